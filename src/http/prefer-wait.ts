import type { FastifyReply, FastifyRequest } from 'fastify';
import { scopeOf } from './authenticate.ts';

const longest_wait_s = 25;

/** Seconds of `Prefer: wait=N` (RFC 7240), at most 25; null when absent, zero or unreadable: a preference is never an error. */
export function readPreferWait(request: Pick<FastifyRequest, 'headers'>): number | null {
  const header = request.headers.prefer;
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  const [, seconds] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(text.slice(0, 500)) ?? [];
  const wait_s = Math.min(Number(seconds ?? 0), longest_wait_s);
  return wait_s > 0 ? wait_s : null;
}

/** Aborted when whoever asked has left: nobody waits for the answer any more. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  if (raw.closed) gone.abort();
  else raw.once('close', () => gone.abort());
  return gone.signal;
}

/** Says that the preference was honoured, and how far. */
function preferenceApplied(reply: FastifyReply, wait_s: number): void {
  reply.header('preference-applied', `wait=${wait_s}`);
}

/** `AnswerOptions.refresh` of a POST that queues a message: with a preference, waits for it and shows what is there then. */
export function refreshWhenAsked<Stored>(
  request: FastifyRequest,
  reply: FastifyReply,
  wait: (stored: Stored, until: { wait_s: number; signal: AbortSignal }) => Promise<void>,
  show: (stored: Stored) => Promise<unknown>,
): ((stored: unknown) => Promise<unknown>) | undefined {
  const wait_s = readPreferWait(request);
  if (wait_s === null) return undefined;
  return async (stored) => {
    await wait(stored as Stored, { wait_s, signal: AbortSignal.any([scopeOf(request).signal, goneSignal(reply)]) });
    preferenceApplied(reply, wait_s);
    return show(stored as Stored);
  };
}
