import type { Context } from '../../context.ts';

type Ctx = Pick<Context, 'db'>;

/** What an account may have very much of, in an order in which nothing that goes takes much of what comes later with it. */
export const large_tables = [
  'webhook_deliveries',
  'webhook_endpoints',
  'inbound_items',
  'inbound_bodies',
  'messages',
  'attendances',
  'contacts',
  'events',
  'idempotency_keys',
] as const;

/** Nobody may call for the account from here on, and none of its messages is claimed. */
export async function endAccess({ db }: Ctx, account_id: string): Promise<void> {
  await db('api_keys').where({ account_id }).delete();
  await db('senders').where({ account_id }).delete();
}

/** Deletes up to `most` of the account's rows of a table, with what hangs on them; returns how many these were. */
export async function deleteSome(
  { db }: Ctx,
  account_id: string,
  { table, most }: { table: (typeof large_tables)[number]; most: number },
): Promise<number> {
  const some = db(table).where({ account_id }).select('ctid').limit(most);
  return db(table).where({ account_id }).whereRaw('ctid = any (array(?))', [some]).delete();
}

/**
 * The account and what is left of it, by cascades. What has no foreign key to it goes afterwards: by then nothing that would
 * write some is under way.
 */
export async function deleteRest({ db }: Ctx, id: string): Promise<boolean> {
  const deleted = await db('accounts').where({ id }).delete();
  await db('events').where({ account_id: id }).delete();
  await db('idempotency_keys').where({ account_id: id }).delete();
  return deleted === 1;
}
