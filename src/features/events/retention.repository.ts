import type { Context } from '../../context.ts';
import { lowestIdAt } from '../../db/id-bounds.ts';

const dropped_at_once = 1_000;
const day_ms = 86_400_000;

/** Accounts that have events, one step through the primary key for each. */
const holders_of_events = `
  holders as (
    (select account_id from events order by account_id limit 1)
    union all
    select n.account_id from holders a
     cross join lateral (
       select account_id from events where account_id > a.account_id order by account_id limit 1) n
  )`;

/**
 * Drops events of all accounts that were made more than `days` ago, by their ids, which are of that time: at most 1,000;
 * returns how many. Timelines lose what they tell of.
 */
export async function dropOldEvents({ db, now }: Pick<Context, 'db' | 'now'>, days: number): Promise<number> {
  const { rowCount } = await db.raw<{ rowCount: number }>(
    `with recursive ${holders_of_events},
     old as materialized (
       select e.account_id, e.id from holders a
        cross join lateral (
          select account_id, id from events
           where account_id = a.account_id and id < cast(:before as uuid)
           order by id limit ${dropped_at_once} for update skip locked) e
        limit ${dropped_at_once}
     )
     delete from events e using old o where e.account_id = o.account_id and e.id = o.id`,
    { before: lowestIdAt(now().getTime() - days * day_ms) },
  );
  return rowCount;
}
