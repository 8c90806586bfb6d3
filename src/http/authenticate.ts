import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Context, Scope, Vault } from '../context.ts';
import { defineProblem } from '../problem.ts';
import { operator_account_id } from './idempotency.repository.ts';
import { noRoute } from './problem-handler.ts';
import type { Limit } from './rate-limit.repository.ts';

export const unauthorized = defineProblem({
  code: 'unauthorized',
  status: 401,
  title: { en: 'No valid API key', pt: 'Sem chave de API válida' },
  detail: {
    en: 'Send `Authorization: Bearer <key>` with a key that exists, has not expired and was not revoked.',
    pt: 'Envie `Authorization: Bearer <chave>` com uma chave que exista, não tenha expirado nem sido revogada.',
  },
});
export const scope_missing = defineProblem({
  code: 'scope_missing',
  status: 403,
  title: { en: 'The key may not do this', pt: 'A chave não permite isto' },
  detail: {
    en: 'This operation needs the scope {scope}. Use a key that has it.',
    pt: 'Esta operação exige o escopo {scope}. Use uma chave que o tenha.',
  },
  example: { params: { scope: 'attendances:write' } },
});

export interface RequestScope extends Scope {
  api_key_id: string;
  scopes: readonly string[];
  /** What its starts are limited by: the account, the key, both or nothing. */
  limits: readonly Limit[];
}

/** Turns a presented key into the scope it speaks for; null for unknown, revoked and expired alike. */
export type KeyReader = (request: FastifyRequest, presented: string) => Promise<RequestScope | null>;

function bearer(request: FastifyRequest): string | null {
  const [, token] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? '') ?? [];
  return token ?? null;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Makes the question whether a request presents `token` as its bearer, compared in constant time. */
export function bearerIs(token: string): (request: FastifyRequest) => boolean {
  const expected = digest(token);
  return (request) => timingSafeEqual(digest(bearer(request) ?? ''), expected);
}

/** A hook for /v1: sets the request's scope or throws `unauthorized` / `scope_missing`. */
export function authenticateWith(readKey: KeyReader) {
  return async (request: FastifyRequest): Promise<void> => {
    const presented = bearer(request);
    const scope = presented === null ? null : await readKey(request, presented);
    if (!scope) throw unauthorized();
    const needed = request.routeOptions.config.scope;
    if (needed !== undefined && !scope.scopes.includes(needed)) throw scope_missing({ params: { scope: needed } });
    request.setDecorator('scope', scope);
  };
}

/**
 * A hook for /admin/v1: asks for the operator's token; without one there is no such path. `vault` seals what is kept for the
 * operator, who has no data key.
 */
export function authenticateOperator(admin_token: string | null, ctx: Context, vault: Vault) {
  const isOperator = admin_token === null ? null : bearerIs(admin_token);
  return async (request: FastifyRequest): Promise<void> => {
    if (!isOperator) throw noRoute(request);
    if (!isOperator(request)) throw unauthorized();
    const nobody = {
      account_id: operator_account_id,
      default_country: 'BR',
      api_key_id: 'operator',
      scopes: [],
      limits: [],
    };
    request.setDecorator('scope', { ...ctx, ...nobody, vault });
  };
}

/** The scope of an authenticated request. */
export function scopeOf(request: FastifyRequest): RequestScope {
  const scope = request.getDecorator<RequestScope | null>('scope');
  if (!scope) throw new Error('scopeOf on a route without authentication');
  return scope;
}
