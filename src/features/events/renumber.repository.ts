import type { Context } from '../../context.ts';

type Ctx = Pick<Context, 'db'>;

/** Any constant does, as long as every version of ours takes the same. */
const renumber_lock = 7_262_008_416;
/** Millions of rows take their time; the pool's own bounds are for requests. */
const longest_ms = 3_600_000;
export const patient = { query_timeout: longest_ms };

/** Lets this transaction take its time, and makes it the only one of its kind. */
export async function lockRenumbering({ db }: Ctx): Promise<void> {
  await db.raw(`set local statement_timeout = ${longest_ms}`);
  await db.raw(`set local lock_timeout = ${longest_ms}`);
  await db.raw('select pg_advisory_xact_lock(?)', [renumber_lock]).options(patient);
}

/**
 * Accounts whose last event is of a transaction that this database has yet to begin: they came from another one, and nobody
 * would see them. One step through the index for each account.
 */
export async function listAccountsAhead({ db }: Ctx): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { account_id: string }[] }>(
    `with recursive lasts as (
       (select account_id, txid from events order by account_id desc, txid desc, position desc limit 1)
       union all
       select n.account_id, n.txid from lasts l
        cross join lateral (
          select account_id, txid from events where account_id < l.account_id
           order by account_id desc, txid desc, position desc limit 1) n
     )
     select account_id from lasts where txid >= pg_snapshot_xmax(pg_current_snapshot())`,
  );
  return rows.map(({ account_id }) => account_id);
}

/** Numbers the events of these accounts from 1 in the order they have, before every transaction there will be; returns how many. */
export async function renumberEventsOf({ db }: Ctx, account_ids: string[]): Promise<number> {
  const { rowCount } = await db
    .raw<{ rowCount: number }>(
      `update events e set txid = '1', position = o.place
         from (select account_id, id, row_number() over (partition by account_id order by txid, position) as place
                 from events where account_id = any (:account_ids)) o
        where e.account_id = o.account_id and e.id = o.id`,
      { account_ids },
    )
    .options(patient);
  return rowCount;
}
