import type { Context, Scope } from '../../context.ts';
import { findPresentedKey, touchApiKey } from './accounts.repository.ts';
import { isSameSecret, readApiKey } from './api-key.ts';
import type { Vaults } from './vaults.ts';

const touch_after_ms = 60_000;

/** The scope a presented key speaks for; null when it is unknown, revoked or expired, which nobody can tell apart. */
export async function readKey(
  ctx: Context,
  vaults: Vaults,
  presented: string,
): Promise<(Scope & { api_key_id: string; scopes: readonly string[] }) | null> {
  const read = readApiKey(presented);
  if (!read) return null;
  const row = await findPresentedKey(ctx, read.id);
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
  };
}
