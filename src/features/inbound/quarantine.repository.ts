import type { Context } from '../../context.ts';
import { lowestIdAt } from '../../db/id-bounds.ts';

type Ctx = Pick<Context, 'db'>;

export interface Quarantined {
  account_id: string;
  channel_id: string;
  body_id: string;
  /** Null for a whole body. */
  place: number | null;
  kind: string;
  reason: string;
  received_at: Date;
}

/** Oldest first, at most `limit`. */
export async function listQuarantined({ db }: Ctx, limit: number): Promise<Quarantined[]> {
  const { rows } = await db.raw<{ rows: Quarantined[] }>(
    `select account_id, channel_id, id as body_id, cast(null as integer) as place, 'body' as kind, reason, received_at
       from inbound_bodies where state = 'quarantined'
      union all
     select account_id, channel_id, body_id, place, kind, reason, received_at from inbound_items where state = 'quarantined'
      order by received_at, body_id, place limit ?`,
    [limit],
  );
  return rows;
}

/** Makes what is quarantined due again: of one body, or all. Returns how many. */
export async function retryQuarantined({ db }: Ctx, body_id: string | null): Promise<number> {
  const { rowCount: bodies } = await db.raw<{ rowCount: number }>(
    `update inbound_bodies set state = 'due', attempt = 0, run_at = now()
      where state = 'quarantined' and (cast(:body_id as uuid) is null or id = :body_id)`,
    { body_id },
  );
  const { rowCount: items } = await db.raw<{ rowCount: number }>(
    `update inbound_items set state = 'due', tries = 0, run_at = now()
      where state = 'quarantined' and (cast(:body_id as uuid) is null or body_id = :body_id)`,
    { body_id },
  );
  return bodies + items;
}

export interface Sealed {
  body_id: string;
  /** Null for a whole body. */
  place: number | null;
  sealed: Buffer;
}

/** Of what an account still has waiting or quarantined the next `limit` behind `after`, in the order of bodies. */
export async function listSealed(
  { db }: Ctx,
  account_id: string,
  after: Pick<Sealed, 'body_id' | 'place'> | null,
  limit: number,
): Promise<Sealed[]> {
  const { rows } = await db.raw<{ rows: Sealed[] }>(
    `select body_id, nullif(place, -1) as place, sealed from (
       (select id as body_id, -1 as place, body as sealed from inbound_bodies
         where account_id = :account_id and id >= :after_id and (id, -1) > (:after_id, :after_place) order by id limit :limit)
        union all
       (select body_id, place, event from inbound_items
         where account_id = :account_id and body_id >= :after_id and (body_id, place) > (:after_id, :after_place) order by body_id, place limit :limit)) s
      order by body_id, s.place limit :limit`,
    {
      account_id,
      after_id: after?.body_id ?? '00000000-0000-0000-0000-000000000000',
      after_place: after?.place ?? -1,
      limit,
    },
  );
  return rows;
}

/** Drops one body, or one item of it. */
export async function dropSealed(
  { db }: Ctx,
  account_id: string,
  { body_id, place }: { body_id: string; place: number | null },
): Promise<void> {
  if (place === null) await db('inbound_bodies').where({ account_id, id: body_id }).delete();
  else await db('inbound_items').where({ account_id, body_id, place }).delete();
}

const dropped_at_once = 1_000;
const day_ms = 86_400_000;

/** What one statement dropped of a channel. */
export interface DroppedOfChannel {
  account_id: string;
  channel_id: string;
  dropped: number;
}

/** The accounts that have rows are found by one step through the primary key each; of theirs none younger is read. */
const dropping = (table: string, { body_id, key }: { body_id: string; key: string }) => `
  with recursive holders as (
    (select account_id from ${table} order by account_id limit 1)
    union all
    select n.account_id from holders a
     cross join lateral (
       select account_id from ${table} where account_id > a.account_id order by account_id limit 1) n
  ),
  old as materialized (
    select q.* from holders a
     cross join lateral (
       select account_id, ${key} from ${table}
        where account_id = a.account_id and ${body_id} < cast(:before as uuid) and state = 'quarantined'
        order by ${key} limit ${dropped_at_once} for update skip locked) q
     limit ${dropped_at_once}
  ),
  gone as (
    delete from ${table} where (account_id, ${key}) in (select account_id, ${key} from old) returning account_id, channel_id
  )
  select account_id, channel_id, count(*) as dropped from gone group by account_id, channel_id`;

const droppings = [
  dropping('inbound_bodies', { body_id: 'id', key: 'id' }),
  dropping('inbound_items', { body_id: 'body_id', key: 'body_id, place' }),
];

/**
 * Drops what is in quarantine and came in more than `days` ago, by the ids of bodies, which are of that time: of all accounts at
 * most 1,000 bodies and 1,000 events.
 */
export async function dropOldQuarantined(
  { db, now }: Pick<Context, 'db' | 'now'>,
  days: number,
): Promise<DroppedOfChannel[]> {
  const before = lowestIdAt(now().getTime() - days * day_ms);
  const dropped: DroppedOfChannel[] = [];
  for (const statement of droppings)
    dropped.push(...(await db.raw<{ rows: DroppedOfChannel[] }>(statement, { before })).rows);
  return dropped;
}
