import { defineProblem } from '../problem.ts';

export const idempotency_key_invalid = defineProblem({
  code: 'idempotency_key_invalid',
  status: 400,
  title: { en: 'The Idempotency-Key cannot be used', pt: 'A Idempotency-Key não pode ser usada' },
  detail: {
    en: 'Send 1 to 255 printable ASCII characters, quoted or not; a random UUID is a good key.',
    pt: 'Envie de 1 a 255 caracteres ASCII imprimíveis, com ou sem aspas; um UUID aleatório é uma boa chave.',
  },
  example: { pointer: '' },
});
export const idempotency_key_reused = defineProblem({
  code: 'idempotency_key_reused',
  status: 422,
  title: { en: 'The Idempotency-Key belongs to another request', pt: 'A Idempotency-Key pertence a outra requisição' },
  detail: {
    en: 'This key was used with another method, path or body. Take a new key for a new request.',
    pt: 'Esta chave foi usada com outro método, caminho ou corpo. Use uma chave nova para uma requisição nova.',
  },
});
export const idempotency_in_progress = defineProblem({
  code: 'idempotency_in_progress',
  status: 409,
  retryable: true,
  retry_after_s: 1,
  title: { en: 'The same request is still running', pt: 'A mesma requisição ainda está em andamento' },
  detail: {
    en: 'Send it again, with the same key, after the time in Retry-After.',
    pt: 'Envie de novo, com a mesma chave, após o tempo em Retry-After.',
  },
});

export const idempotency_answer_erased = defineProblem({
  code: 'idempotency_answer_erased',
  status: 410,
  title: { en: 'The answer was erased', pt: 'A resposta foi apagada' },
  detail: {
    en: 'This request was done; its answer told of a contact that was erased since. It is not done again.',
    pt: 'Esta requisição foi feita; a resposta falava de um contato apagado desde então. Ela não é feita de novo.',
  },
});
export const secret_already_shown = defineProblem({
  code: 'secret_already_shown',
  status: 409,
  title: { en: 'The secret was shown once', pt: 'O segredo já foi mostrado' },
  detail: {
    en: 'This request was done and its answer had a secret that is kept nowhere: {location}. If it never arrived, make or rotate another one.',
    pt: 'Esta requisição foi feita e a resposta trazia um segredo que não fica guardado: {location}. Se ele não chegou, crie ou troque por outro.',
  },
  example: { params: { location: '/admin/v1/accounts/019a0000-0000-7000-8000-0000000000a1/api-keys/…' } },
});

/** What a kept POST may answer on account of its key. */
export const idempotency_problems = [
  idempotency_key_invalid,
  idempotency_key_reused,
  idempotency_in_progress,
  idempotency_answer_erased,
];
