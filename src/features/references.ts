import type { AddressGuard } from '../outbound/address-guard.ts';
import { defineProblem } from '../problem.ts';

/** What several features refuse. An id that is missing or another account's: the two cannot be told apart. */

export const contact_not_found = defineProblem({
  code: 'contact_not_found',
  status: 404,
  title: { en: 'No such contact', pt: 'Contato inexistente' },
  detail: {
    en: 'This account has no contact {id}. Look it up by phone, or create it.',
    pt: 'Esta conta não tem o contato {id}. Busque-o pelo telefone ou crie-o.',
  },
  example: { pointer: '/contact/id', params: { id: '019a0000-0000-7000-8000-000000000001' } },
});

export const channel_not_found = defineProblem({
  code: 'channel_not_found',
  status: 404,
  title: { en: 'No such channel', pt: 'Canal inexistente' },
  detail: {
    en: 'This account has no channel {id}. GET /v1/channels lists those it has.',
    pt: 'Esta conta não tem o canal {id}. GET /v1/channels lista os que existem.',
  },
  example: { pointer: '/channel_id', params: { id: '019a0000-0000-7000-8000-0000000000c1' } },
});

export const team_not_found = defineProblem({
  code: 'team_not_found',
  status: 404,
  title: { en: 'No such team', pt: 'Equipe inexistente' },
  detail: {
    en: 'This account has no team {id}. GET /v1/teams lists those it has.',
    pt: 'Esta conta não tem a equipe {id}. GET /v1/teams lista as que existem.',
  },
  example: { pointer: '/team_id', params: { id: '019a0000-0000-7000-8000-0000000000d1' } },
});

export const template_not_found = defineProblem({
  code: 'template_not_found',
  status: 404,
  title: { en: 'No such template', pt: 'Template inexistente' },
  detail: {
    en: 'This account has no template {id}. GET /v1/templates lists those it has; sync the channel for newer ones.',
    pt: 'Esta conta não tem o template {id}. GET /v1/templates lista os que existem; sincronize o canal para os novos.',
  },
  example: { pointer: '/template/id', params: { id: '019a0000-0000-7000-8000-0000000000f2' } },
});

export const message_not_found = defineProblem({
  code: 'message_not_found',
  status: 404,
  title: { en: 'No such message', pt: 'Mensagem inexistente' },
  detail: { en: 'This account has no message {id}.', pt: 'Esta conta não tem a mensagem {id}.' },
  example: { pointer: ':message_id', params: { id: '019a0000-0000-7000-8000-0000000000f1' } },
});

export const url_not_allowed = defineProblem({
  code: 'url_not_allowed',
  status: 422,
  title: { en: 'This URL may not be called', pt: 'Esta URL não pode ser chamada' },
  detail: {
    en: 'Refused: {reason}. Send an https URL of a public host, without user or password; the operator may allow private ranges.',
    pt: 'Recusada: {reason}. Envie uma URL https de um host público, sem usuário nem senha; o operador pode liberar faixas privadas.',
  },
  example: { pointer: '/base_url', params: { reason: 'address' } },
});

/**
 * Judges the form of a URL we shall call, and every address its name has now; throws `url_not_allowed`. Call it outside of
 * transactions: it asks a resolver. What passes is judged again each time it is called.
 */
export async function checkHost(guard: AddressGuard, pointer: '/url' | '/base_url', url?: string): Promise<void> {
  if (url === undefined) return;
  const checked = await guard.checkHost(url);
  if (!checked.ok) throw url_not_allowed({ pointer, params: { reason: checked.reason } });
  // Paths are put behind it as it is written: it must be whole, and end before a query.
  if (pointer === '/base_url' && !/^https?:\/\/[^/?#][^?#]*$/i.test(url))
    throw url_not_allowed({ pointer, params: { reason: 'malformed' } });
}
