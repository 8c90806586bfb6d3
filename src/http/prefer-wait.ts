import type { FastifyReply, FastifyRequest } from 'fastify';

const longest_wait_s = 25;

/** Seconds of `Prefer: wait=N` (RFC 7240), at most 25; null when absent, zero or unreadable: a preference is never an error. */
export function readPreferWait(request: Pick<FastifyRequest, 'headers'>): number | null {
  const header = request.headers.prefer;
  const text = Array.isArray(header) ? header.join(',') : (header ?? '');
  const [, seconds] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(text.slice(0, 500)) ?? [];
  const wait_s = Math.min(Number(seconds ?? 0), longest_wait_s);
  return wait_s > 0 ? wait_s : null;
}

/** Says that the preference was honoured, and how far. */
export function preferenceApplied(reply: FastifyReply, wait_s: number): void {
  reply.header('preference-applied', `wait=${wait_s}`);
}
