import type { Context, Scope } from '../../context.ts';
import { type FindKey, findPresentedKey, type PresentedKey, touchApiKey } from './accounts.repository.ts';
import { isSameSecret, readApiKey } from './api-key.ts';
import type { Vaults } from './vaults.ts';

const touch_after_ms = 60_000;

interface StartLimit {
  bucket: string;
  name: string;
  per_second: number;
  burst: number;
}

/** The scope a presented key speaks for; null when it is unknown, revoked or expired, which nobody can tell apart. */
export async function readKey(
  ctx: Context,
  vaults: Vaults,
  presented: string,
  findKey: FindKey = (id) => findPresentedKey(ctx, id),
): Promise<(Scope & { api_key_id: string; scopes: readonly string[]; limits: StartLimit[] }) | null> {
  const read = readApiKey(presented);
  if (!read) return null;
  const row = await findKey(read.id);
  if (!row || !isSameSecret(row.secret_hash, read.secret_hash)) return null;
  const now = ctx.now();
  if (row.revoked_at || (row.expires_at && row.expires_at <= now)) return null;
  if (!row.last_used_at || now.getTime() - row.last_used_at.getTime() > touch_after_ms) {
    await touchApiKey(ctx, row.account_id, row.id, now);
  }
  return {
    ...ctx,
    account_id: row.account_id,
    default_country: row.default_country,
    vault: vaults.open(row.account_id, row.data_key),
    api_key_id: row.id,
    scopes: row.scopes,
    limits: limitsOf(row),
  };
}

/** The account's limit where it is on, and the key's where it has one; 0 a second is off. */
function limitsOf(row: PresentedKey): StartLimit[] {
  const of_account: StartLimit = {
    bucket: row.account_id,
    name: 'starts',
    per_second: row.account_starts_per_second,
    burst: row.account_starts_burst,
  };
  const of_key: StartLimit = {
    bucket: row.id,
    name: 'starts-of-key',
    per_second: row.starts_per_second ?? of_account.per_second,
    burst: row.starts_burst ?? of_account.burst,
  };
  const is_own = row.starts_per_second !== null || row.starts_burst !== null;
  return [of_account, ...(is_own ? [of_key] : [])].filter(({ per_second }) => per_second > 0);
}
