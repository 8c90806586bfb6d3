import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerRecord, KeptAnswer } from '../context.ts';
import { sqlState, violatedConstraint } from '../db/pg-errors.ts';
import { defineProblem, Problem } from '../problem.ts';
import { type RequestScope, scopeOf } from './authenticate.ts';
import { findStoredAnswer, insertStoredAnswer, type StoredAnswer } from './idempotency.repository.ts';
import { problemHeaders, readLanguage, renderProblem } from './problem-handler.ts';

const idempotency_key_invalid = defineProblem({
  code: 'idempotency_key_invalid',
  status: 400,
  title: { en: 'The Idempotency-Key cannot be used', pt: 'A Idempotency-Key não pode ser usada' },
  detail: {
    en: 'Send 1 to 255 printable ASCII characters, quoted or not; a random UUID is a good key.',
    pt: 'Envie de 1 a 255 caracteres ASCII imprimíveis, com ou sem aspas; um UUID aleatório é uma boa chave.',
  },
  example: { pointer: '' },
});
const idempotency_key_reused = defineProblem({
  code: 'idempotency_key_reused',
  status: 422,
  title: { en: 'The Idempotency-Key belongs to another request', pt: 'A Idempotency-Key pertence a outra requisição' },
  detail: {
    en: 'This key was used with another method, path or body. Take a new key for a new request.',
    pt: 'Esta chave foi usada com outro método, caminho ou corpo. Use uma chave nova para uma requisição nova.',
  },
});
const idempotency_in_progress = defineProblem({
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

export const idempotency_problems = [idempotency_key_invalid, idempotency_key_reused, idempotency_in_progress];

/** What a verb answers: the body as an object; it is serialised once. */
export interface Answer {
  status: number;
  location: string | null;
  body: unknown;
}

function readKey(request: FastifyRequest): string | null {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return null;
  const [, quoted, plain] =
    /^(?:"([\x20-\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e][\x20-\x7e]{0,254}))$/.exec(String(header)) ?? [];
  const key = quoted ?? plain;
  if (key === undefined) throw idempotency_key_invalid({ pointer: '' });
  return key;
}

function fingerprintOf(request: FastifyRequest): Buffer {
  const body = request.getDecorator<Buffer | null>('raw_body') ?? Buffer.alloc(0);
  return createHash('sha256').update(`${request.method} ${request.url}\n`).update(body).digest();
}

/** A twin holds the key's row for longer than PostgreSQL lets us wait (2 s). */
const lock_timeout_state = '55P03';

const binding = (key: string) => `idempotency_keys.answer:${key}`;

/**
 * Answers a POST at most once per key. `work` gets the record to write with its own work (null without a key) and returns
 * the answer; a repeat gets the stored bytes. `refresh`, where given, turns a stored body into what is shown now.
 */
export async function answerOnce(
  request: FastifyRequest,
  reply: FastifyReply,
  work: (scope: RequestScope, record: AnswerRecord | null) => Promise<Answer>,
  refresh?: (scope: RequestScope, stored_body: unknown) => Promise<unknown>,
): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const key = readKey(request);
  const send = async (kept: KeptAnswer) => {
    if (refresh && kept.status < 300)
      return sendKept(reply, {
        ...kept,
        body: serialise(reply, kept.status, await refresh(scope, JSON.parse(kept.body))),
      });
    return sendKept(reply, kept);
  };
  if (key === null) {
    const answer = await work(scope, null);
    return send({ ...answer, body: serialise(reply, answer.status, answer.body) });
  }
  const fingerprint = fingerprintOf(request);
  const replay = (stored: StoredAnswer) => {
    if (!timingSafeEqual(stored.fingerprint, fingerprint)) throw idempotency_key_reused();
    reply.header('idempotent-replayed', 'true');
    return send(JSON.parse(scope.vault.unseal(stored.answer, binding(key)).toString()) as KeptAnswer);
  };
  const stored = await findStoredAnswer(scope, key);
  if (stored) return replay(stored);
  const outcome = await runOnce(request, reply, scope, key, fingerprint, work);
  return 'kept' in outcome ? send(outcome.kept) : replay(outcome.stored);
}

/** Runs the work; when a twin was faster, returns what the twin stored. */
async function runOnce(
  request: FastifyRequest,
  reply: FastifyReply,
  scope: RequestScope,
  key: string,
  fingerprint: Buffer,
  work: (scope: RequestScope, record: AnswerRecord | null) => Promise<Answer>,
): Promise<{ kept: KeptAnswer } | { stored: StoredAnswer }> {
  let kept: KeptAnswer | undefined;
  const sealKept = (answer: KeptAnswer) => scope.vault.seal(Buffer.from(JSON.stringify(answer)), binding(key));
  const seal: AnswerRecord['seal'] = (answer) => {
    kept = { ...answer, body: serialise(reply, answer.status, answer.body) };
    return sealKept(kept);
  };
  try {
    await work(scope, { key, fingerprint, seal });
    if (!kept) throw new Error('a verb with an answer record must write it');
    return { kept };
  } catch (error) {
    if (sqlState(error) === lock_timeout_state) throw idempotency_in_progress();
    if (violatedConstraint(error) === 'idempotency_keys_key') return { stored: await mustFind(scope, key) };
    if (!(error instanceof Problem) || !isKept(error)) throw error;
    const refusal = refusalOf(error, request);
    const is_first = await keepRefusal(scope, key, { fingerprint, answer: sealKept(refusal) });
    return is_first ? { kept: refusal } : { stored: await mustFind(scope, key) };
  }
}

/** False when a twin's answer is there by now. */
async function keepRefusal(scope: RequestScope, key: string, stored: StoredAnswer): Promise<boolean> {
  return insertStoredAnswer(scope, key, stored).catch((error: unknown) => {
    throw sqlState(error) === lock_timeout_state ? idempotency_in_progress() : error;
  });
}

/** 404, 409 and 422 are answers; the rest says nothing about the next try. */
const isKept = (problem: Problem) => [404, 409, 422].includes(problem.kind.status) && !problem.kind.retryable;

function refusalOf(problem: Problem, request: FastifyRequest): KeptAnswer {
  const language = readLanguage(request.headers['accept-language']);
  return {
    status: problem.kind.status,
    location: null,
    body: JSON.stringify(renderProblem(problem, language, request.id)),
  };
}

async function mustFind(scope: RequestScope, key: string): Promise<StoredAnswer> {
  const stored = await findStoredAnswer(scope, key);
  if (!stored) throw idempotency_in_progress();
  return stored;
}

function serialise(reply: FastifyReply, status: number, body: unknown): string {
  return String(reply.serializeInput(body as Record<string, unknown>, String(status)));
}

function sendKept(reply: FastifyReply, kept: KeptAnswer): FastifyReply {
  if (kept.location !== null) reply.header('location', kept.location);
  const is_problem = kept.status >= 400;
  const type = is_problem
    ? problemHeaders({ status: kept.status } as never)['content-type']
    : 'application/json; charset=utf-8';
  return reply
    .code(kept.status)
    .header('content-type', type ?? 'application/json')
    .send(kept.body);
}
