import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.ts';
import { defineProblem } from '../problem.ts';
import { scopeOf } from './authenticate.ts';
import { type Limit, takeTokens } from './rate-limit.repository.ts';
import { createTokenGates } from './token-gate.ts';

export const rate_limited = defineProblem({
  code: 'rate_limited',
  status: 429,
  retryable: true,
  retry_after_s: 1,
  title: { en: 'Too many at once', pt: 'Requisições demais ao mesmo tempo' },
  detail: {
    en: 'At most {per_second} a second may be started here, after a burst of {burst}. Nothing was done; send it again after the time in Retry-After.',
    pt: 'Aqui podem ser iniciados no máximo {per_second} por segundo, após uma rajada de {burst}. Nada foi feito; envie de novo após o tempo em Retry-After.',
  },
  example: { params: { per_second: 500, burst: 1000 } },
});

/** A hook behind authentication: routes with `limited` take a token of each limit of their key, or throw `rate_limited`. */
export function limitRate(ctx: Pick<Context, 'db'>) {
  const gates = createTokenGates({ take: (asked) => takeTokens(ctx, asked) });
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!request.routeOptions.config.limited || isDryRun(request)) return;
    const { account_id, limits } = scopeOf(request);
    const [first, ...others] = limits;
    if (!first) return;
    const admission = await gates.admit(account_id, [first, ...others]);
    const { is_admitted, tightest, remaining, retry_after_ms } = admission;
    const retry_after_s = Math.max(1, Math.ceil(retry_after_ms / 1000));
    reply.header('ratelimit-policy', limits.map(policyOf).join(', '));
    reply.header('ratelimit', `"${tightest.name}";r=${remaining};t=${retry_after_s}`);
    if (is_admitted) return;
    const { per_second, burst } = tightest;
    throw rate_limited({ params: { per_second, burst }, retry_after_s });
  };
}

/** It queues nothing, and is how a client finds out what would be refused. */
const isDryRun = (request: FastifyRequest) => (request.query as { dry_run?: unknown } | undefined)?.dry_run === 'true';

/** draft-ietf-httpapi-ratelimit-headers-11: a quota per window in seconds; the window is what a burst takes to come back. */
const policyOf = ({ name, per_second, burst }: Limit) => `"${name}";q=${burst};w=${Math.ceil(burst / per_second)}`;
