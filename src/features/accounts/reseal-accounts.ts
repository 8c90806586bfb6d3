import type { Context } from '../../context.ts';
import type { KeyRing } from '../../seal.ts';
import { listDataKeysAfter, replaceDataKey } from './accounts.repository.ts';

export interface Resealed {
  resealed: number;
  unchanged: number;
  /** Accounts whose key could not be opened: their master key is missing. */
  failed: { account_id: string; reason: string }[];
}

const batch = 200;

/**
 * Wraps every account's data key with the first master key. The data keys stay as they are, so nothing that they seal is
 * touched and running processes go on; calling it again does what is left.
 */
export async function resealAccounts(ctx: Pick<Context, 'db'>, key_ring: KeyRing): Promise<Resealed> {
  const done: Resealed = { resealed: 0, unchanged: 0, failed: [] };
  for (let after: string | null = null; ; ) {
    const rows = await listDataKeysAfter(ctx, after, batch);
    for (const row of rows) await reseal(ctx, key_ring, row, done);
    after = rows.at(-1)?.id ?? null;
    if (rows.length < batch) return done;
  }
}

async function reseal(
  ctx: Pick<Context, 'db'>,
  key_ring: KeyRing,
  { id, data_key }: { id: string; data_key: Buffer },
  done: Resealed,
): Promise<void> {
  try {
    const fresh = key_ring.rewrap(data_key, id);
    if (fresh) await replaceDataKey(ctx, id, { from: data_key, to: fresh });
    done[fresh ? 'resealed' : 'unchanged'] += 1;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'MasterKeyMissing') throw error;
    done.failed.push({ account_id: id, reason: error.message });
  }
}
