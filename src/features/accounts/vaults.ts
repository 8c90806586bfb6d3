import type { Context, Vault } from '../../context.ts';
import { createVault, type KeyRing } from '../../seal.ts';
import { listDataKeys } from './accounts.repository.ts';

const most_kept = 1_000;

/** Opens accounts' vaults. A data key never changes (only its wrapping does), so opened vaults are kept, at most 1,000. */
export interface Vaults {
  /** With the wrapped key at hand: no query. */
  open: (account_id: string, wrapped: Buffer) => Vault;
  /**
   * Of several accounts, one query for those not open yet. An account that is gone is missing from the answer; so is one
   * whose key does not open, which is logged: it must not hold up the others.
   */
  openAll: (ctx: Pick<Context, 'db' | 'log'>, account_ids: string[]) => Promise<Map<string, Vault>>;
}

export function createVaults(key_ring: KeyRing): Vaults {
  const kept = new Map<string, Vault>();
  const open = (account_id: string, wrapped: Buffer): Vault => {
    const known = kept.get(account_id);
    if (known) return known;
    const vault = createVault(key_ring.unwrap(wrapped, account_id), account_id);
    if (kept.size >= most_kept) kept.delete(kept.keys().next().value ?? '');
    kept.set(account_id, vault);
    return vault;
  };
  const openAll: Vaults['openAll'] = async (ctx, account_ids) => {
    const missing = [...new Set(account_ids)].filter((id) => !kept.has(id));
    const rows = missing.length === 0 ? [] : await listDataKeys(ctx, missing);
    const fresh = rows.flatMap((row): [string, Vault][] => {
      try {
        return [[row.id, open(row.id, row.data_key)]];
      } catch (error) {
        ctx.log.error({ err: error, account_id: row.id }, 'vault.not_opened');
        return [];
      }
    });
    const known = account_ids.flatMap((id): [string, Vault][] => {
      const vault = kept.get(id);
      return vault ? [[id, vault]] : [];
    });
    return new Map([...known, ...fresh]);
  };
  return { open, openAll };
}
