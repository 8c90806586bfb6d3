import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type AnswerRecord, inTransaction, type KeptAnswer } from '../context.ts';
import { isLockTimeout, violatedConstraint } from '../db/pg-errors.ts';
import { Problem } from '../problem.ts';
import { type RequestScope, scopeOf } from './authenticate.ts';
import {
  answerBinding,
  claimKey,
  findStoredAnswer,
  insertStoredAnswer,
  keepAnswer,
  type StoredAnswer,
} from './idempotency.repository.ts';
import {
  idempotency_answer_erased,
  idempotency_in_progress,
  idempotency_key_invalid,
  idempotency_key_reused,
  secret_already_shown,
} from './idempotency-problems.ts';
import { languageOf, problem_content_type, renderProblem } from './problem-handler.ts';

/** What a verb answers: the body as an object; it is serialised once. */
export interface Answer {
  status: number;
  location: string | null;
  body: unknown;
  /** Whose person it tells of: erasing that contact erases the kept answer. */
  contact_id?: string;
}

/** How a kept answer is looked for. */
export type FindStored = typeof findStoredAnswer;

export interface AnswerOptions {
  /** Turns a stored body into what is shown now. */
  refresh?: ((stored_body: unknown) => Promise<unknown>) | undefined;
  /** What may take its time, or asks the outside: ahead of the transaction, and not for a repeat. */
  before?: () => Promise<void>;
  /** Instead of a statement of its own for each request. */
  findStored?: FindStored;
  /** Called once the work is committed, and not for a repeat. */
  onDone?: () => void;
  /** The key's row is claimed ahead of the work: whatever the work waits for in vain, it is no twin. */
  claims_first?: boolean;
}

type Work = (scope: RequestScope, record: AnswerRecord | null) => Promise<Answer>;

function readKey(request: FastifyRequest): string | null {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return null;
  const [, quoted, plain] =
    /^(?:"([\x20-\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e][\x20-\x7e]{0,254}))$/.exec(String(header)) ?? [];
  const key = quoted ?? plain;
  if (key === undefined) throw idempotency_key_invalid({ pointer: '' });
  return key;
}

/** A hook for all requests: a key that cannot be used is refused wherever it is sent. */
export async function checkIdempotencyKey(request: FastifyRequest): Promise<void> {
  if (request.method === 'POST') readKey(request);
}

function fingerprintOf(request: FastifyRequest): Buffer {
  const body = request.getDecorator<Buffer | null>('raw_body') ?? Buffer.alloc(0);
  return createHash('sha256').update(`${request.method} ${request.url}\n`).update(body).digest();
}

/**
 * Answers a POST at most once per key: key, work and answer are one transaction, and a repeat gets the stored bytes.
 * `work` runs in that transaction and need not know of it.
 */
export function answerPost(
  request: FastifyRequest,
  reply: FastifyReply,
  work: (scope: RequestScope) => Promise<Answer>,
  options: AnswerOptions = {},
): Promise<void> {
  const once = async (scope: RequestScope, record: AnswerRecord | null) => {
    await options.before?.();
    const answer = await (record ? keepWith(scope, record, work) : work(scope));
    options.onDone?.();
    return answer;
  };
  return answerOnce(request, reply, once, { ...options, claims_first: true });
}

function keepWith(
  scope: RequestScope,
  record: AnswerRecord,
  work: (scope: RequestScope) => Promise<Answer>,
): Promise<Answer> {
  return inTransaction(scope, async (trx) => {
    await claimKey(trx, record).catch((error: unknown) => {
      // A twin holds the key's row for longer than PostgreSQL lets us wait (2 s).
      throw isLockTimeout(error) ? idempotency_in_progress() : error;
    });
    const answer = await work(trx);
    await keepAnswer(trx, record.key, { answer: record.seal(answer), contact_id: answer.contact_id ?? null });
    return answer;
  });
}

/** The same for a verb that writes the record with its own statement: `record` is null without a key. */
export async function answerOnce(
  request: FastifyRequest,
  reply: FastifyReply,
  work: Work,
  { refresh, findStored = findStoredAnswer, claims_first = false }: AnswerOptions = {},
): Promise<void> {
  const scope = scopeOf(request);
  const key = readKey(request);
  const send = async (kept: KeptAnswer) =>
    sendKept(reply, refresh && kept.status < 300 ? await refreshed(request, reply, kept, refresh) : kept);
  if (key === null) {
    const { status, location, body } = await work(scope, null);
    return send({ status, location, body: serialise(reply, status, body), language: null });
  }
  const fingerprint = fingerprintOf(request);
  const replay = ({ fingerprint: first, answer }: StoredAnswer) => {
    if (!timingSafeEqual(first, fingerprint)) throw idempotency_key_reused();
    if (answer === null) throw idempotency_answer_erased();
    reply.header('idempotent-replayed', 'true');
    return send(JSON.parse(scope.vault.unseal(answer, answerBinding(key)).toString()) as KeptAnswer);
  };
  const stored = await findStored(scope, key);
  if (stored) return replay(stored);
  const outcome = await runOnce(request, reply, { scope, key, fingerprint, claims_first }, work);
  return 'kept' in outcome ? send(outcome.kept) : replay(outcome.stored);
}

/** What is done is done: where it cannot be shown as it is by now, it is shown as it was. */
async function refreshed(
  request: FastifyRequest,
  reply: FastifyReply,
  kept: KeptAnswer,
  refresh: NonNullable<AnswerOptions['refresh']>,
): Promise<KeptAnswer> {
  try {
    return { ...kept, body: serialise(reply, kept.status, await refresh(JSON.parse(kept.body))) };
  } catch (error) {
    request.log.warn({ err: error }, 'http.not_refreshed');
    reply.removeHeader('preference-applied');
    return kept;
  }
}

interface Once {
  scope: RequestScope;
  key: string;
  fingerprint: Buffer;
  claims_first: boolean;
}

/** Runs the work; when a twin was faster, returns what the twin stored. */
async function runOnce(
  request: FastifyRequest,
  reply: FastifyReply,
  { scope, key, fingerprint, claims_first }: Once,
  work: Work,
): Promise<{ kept: KeptAnswer } | { stored: StoredAnswer }> {
  const { shows_secret } = request.routeOptions.config;
  let kept: KeptAnswer | undefined;
  const sealKept = (answer: KeptAnswer) => scope.vault.seal(Buffer.from(JSON.stringify(answer)), answerBinding(key));
  const seal: AnswerRecord['seal'] = ({ status, location, body }) => {
    kept = { status, location, body: serialise(reply, status, body), language: null };
    return sealKept(shows_secret ? refusalOf(secret_already_shown({ params: { location } }), request) : kept);
  };
  try {
    await work(scope, { key, fingerprint, seal });
    if (!kept) throw new Error('a verb with an answer record must write it');
    return { kept };
  } catch (error) {
    if (isLockTimeout(error) && !claims_first) throw idempotency_in_progress();
    if (violatedConstraint(error) === 'idempotency_keys_key') return { stored: await mustFind(scope, key) };
    if (!(error instanceof Problem) || !isKept(error)) throw error;
    const refusal = refusalOf(error, request);
    const contact_id = (error.occurrence.extra?.contact_id as string | undefined) ?? null;
    const is_first = await keepRefusal(scope, key, { fingerprint, answer: sealKept(refusal), contact_id });
    return is_first ? { kept: refusal } : { stored: await mustFind(scope, key) };
  }
}

/** False when a twin's answer is there by now. */
async function keepRefusal(
  scope: RequestScope,
  key: string,
  stored: Parameters<typeof insertStoredAnswer>[2],
): Promise<boolean> {
  return insertStoredAnswer(scope, key, stored).catch((error: unknown) => {
    throw isLockTimeout(error) ? idempotency_in_progress() : error;
  });
}

/** Success is kept for a repeat; of refusals 404, 409 and 422 are answers, the rest says nothing about the next try. */
export const isKeptStatus = (status: number) => status < 300 || [404, 409, 422].includes(status);

const isKept = ({ kind }: Problem) => isKeptStatus(kind.status) && !kind.retryable;

function refusalOf(problem: Problem, request: FastifyRequest): KeptAnswer {
  const language = languageOf(request);
  return {
    status: problem.kind.status,
    location: null,
    body: JSON.stringify(renderProblem(problem, language, request.id)),
    language,
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

function sendKept(reply: FastifyReply, { status, location, body, language }: KeptAnswer): void {
  if (location !== null) reply.header('location', location);
  if (language) reply.header('content-language', language);
  const type = status >= 400 ? problem_content_type : 'application/json; charset=utf-8';
  reply.code(status).header('content-type', type).send(body);
}
