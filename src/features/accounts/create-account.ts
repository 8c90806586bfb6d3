import { v7 as uuid } from 'uuid';
import type { Context } from '../../context.ts';
import { createDataKey, type KeyRing } from '../../seal.ts';
import { insertAccount, toAccount } from './accounts.repository.ts';
import type { AccountView } from './accounts.schema.ts';

/** A new account with a data key of its own, wrapped by the first master key. */
export async function createAccount(
  ctx: Pick<Context, 'db' | 'now'>,
  key_ring: KeyRing,
  given: { name: string; default_country?: string },
): Promise<AccountView> {
  const id = uuid();
  const now = ctx.now();
  const row = {
    id,
    name: given.name,
    default_country: given.default_country ?? 'BR',
    data_key: key_ring.wrap(createDataKey(), id),
    created_at: now,
    updated_at: now,
  };
  await insertAccount(ctx, row);
  return toAccount(row);
}
