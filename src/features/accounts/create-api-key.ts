import type { Context } from '../../context.ts';
import { violatedConstraint } from '../../db/pg-errors.ts';
import { defineProblem } from '../../problem.ts';
import { uuid } from '../../random.ts';
import { findApiKey, insertApiKey, toApiKey, updateApiKey } from './accounts.repository.ts';
import { type ApiKeyView, scopes } from './accounts.schema.ts';
import { createApiKey } from './api-key.ts';
import { burstOf } from './create-account.ts';

export const account_not_found = defineProblem({
  code: 'account_not_found',
  status: 404,
  title: { en: 'No such account', pt: 'Conta inexistente' },
  detail: { en: 'There is no account {account_id}.', pt: 'Não existe a conta {account_id}.' },
  example: { pointer: ':account_id', params: { account_id: '019a0000-0000-7000-8000-0000000000a1' } },
});
export const api_key_not_found = defineProblem({
  code: 'api_key_not_found',
  status: 404,
  title: { en: 'No such API key', pt: 'Chave de API inexistente' },
  detail: { en: 'This account has no API key {api_key_id}.', pt: 'Esta conta não tem a chave {api_key_id}.' },
  example: { pointer: ':api_key_id', params: { api_key_id: '019a0000-0000-7000-8000-0000000000b1' } },
});
export const expiry_in_the_past = defineProblem({
  code: 'expiry_in_the_past',
  status: 422,
  title: { en: 'The key would have expired already', pt: 'A chave já nasceria expirada' },
  detail: {
    en: 'expires_at is {expires_at}; send a time in the future or null.',
    pt: 'expires_at é {expires_at}; envie um horário futuro ou null.',
  },
  example: { pointer: '/expires_at', params: { expires_at: '2026-01-31T00:00:00.000Z' } },
});

/** Reads `expires_at`: in the future or null. */
export function readExpiry(ctx: Pick<Context, 'now'>, expires_at: string | null | undefined): Date | null {
  if (expires_at === null || expires_at === undefined) return null;
  const date = new Date(expires_at);
  if (date <= ctx.now()) throw expiry_in_the_past({ pointer: '/expires_at', params: { expires_at } });
  return date;
}

const defaultBurst = ({ starts_per_second }: NewKey) => (starts_per_second ? burstOf(starts_per_second) : null);

interface NewKey {
  name: string;
  scopes?: string[];
  expires_at?: string | null;
  starts_per_second?: number | null;
  starts_burst?: number | null;
}

/** A new key of an account; `key` is in this answer and nowhere else. Throws `account_not_found`, `expiry_in_the_past`. */
export async function createKeyForAccount(
  ctx: Pick<Context, 'db' | 'now'>,
  account_id: string,
  given: NewKey,
): Promise<ApiKeyView & { key: string }> {
  const id = uuid();
  const { key, secret_hash } = createApiKey(id);
  const row = {
    account_id,
    id,
    name: given.name,
    secret_hash,
    scopes: given.scopes ?? [...scopes],
    starts_per_second: given.starts_per_second ?? null,
    starts_burst: given.starts_burst === undefined ? defaultBurst(given) : given.starts_burst,
    expires_at: readExpiry(ctx, given.expires_at),
    revoked_at: null,
    last_used_at: null,
    created_at: ctx.now(),
  };
  try {
    await insertApiKey(ctx, row);
  } catch (error) {
    if (violatedConstraint(error) === 'api_keys_account_id_fkey')
      throw account_not_found({ pointer: ':account_id', params: { account_id } });
    throw error;
  }
  return { ...toApiKey(row), key };
}

/** Refuses the key from now on; revoking twice keeps the first time. Throws `api_key_not_found`. */
export async function revokeApiKey(
  ctx: Pick<Context, 'db' | 'now'>,
  account_id: string,
  id: string,
): Promise<ApiKeyView> {
  const found = await findApiKey(ctx, account_id, id);
  const row = found && (await updateApiKey(ctx, account_id, id, { revoked_at: found.revoked_at ?? ctx.now() }));
  if (!row) throw api_key_not_found({ pointer: ':api_key_id', params: { api_key_id: id } });
  return toApiKey(row);
}
