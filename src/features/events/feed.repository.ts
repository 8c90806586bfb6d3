import type { Scope } from '../../context.ts';
import { prepare } from '../../db/statement.ts';
import type { Place } from './event-place.ts';
import type { ToldEvent } from './event-text.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

/** An event where it stands. */
export type FeedEvent = ToldEvent & Place & { attendance_id: string | null };

/** Which events are wanted: all of null. */
export interface EventFilter {
  types: readonly string[] | null;
  attendance_id: string | null;
}

export interface EventPiece {
  events: FeedEvent[];
  /** Whoever asks on from here gets every further event once. */
  next: Place;
  has_more: boolean;
  /** False when `after` lies in this database's future: it was another's. */
  is_ours: boolean;
}

interface PieceRow extends FeedEvent {
  xmin: string;
  is_ours: boolean;
  last_txid: string | null;
  last_position: string | null;
}

/** Rows one statement looks at, so that a rare type costs no more than this at once: about 15 ms. */
const examined_at_once = 10_000;

/** What is below the oldest running transaction, and so can have nothing come before it any more. */
const settled = `account_id = :account_id
         and (txid, position) > (cast(:txid as xid8), cast(:position as bigint))
         and txid < (select xmin from edge)`;

/**
 * The next `limit` events behind a place, oldest first. Edge, events and the last row that was examined are of one
 * snapshot: an event that commits meanwhile is either seen here or lies behind `next`.
 */
const findNext = prepare<
  Place & {
    account_id: string;
    examined: number;
    wanted: number;
    attendance_id: string | null;
    types: string[] | null;
  },
  PieceRow
>(
  'next_events',
  `with edge as materialized (
    select pg_snapshot_xmin(pg_current_snapshot()) as xmin, pg_snapshot_xmax(pg_current_snapshot()) as xmax
  ),
  found as materialized (
    select * from (
      select id, type, attendance_id, attendance_sequence, created_at, data, txid, position from events
       where ${settled} order by txid, position limit cast(:examined as integer)
    ) e
     where (cast(:types as text[]) is null or type = any (:types))
       and (cast(:attendance_id as uuid) is null or attendance_id = :attendance_id)
     limit cast(:wanted as integer)
  ),
  -- Asked for only where fewer were found than wanted.
  last as (
    select txid, position from events
     where ${settled} order by txid, position offset cast(:examined as integer) - 1 limit 1
  )
  select cast(edge.xmin as text) as xmin, cast(:txid as xid8) <= edge.xmax as is_ours,
         case when (select count(*) from found) < :wanted then (select cast(txid as text) from last) end as last_txid,
         case when (select count(*) from found) < :wanted then (select cast(position as text) from last) end as last_position,
         f.id, f.type, f.attendance_id, f.attendance_sequence, f.created_at, cast(f.data as text) as data_text,
         cast(f.txid as text) as txid, cast(f.position as text) as position
    from edge left join found f on true
   order by f.txid, f.position`,
);

/** See `findNext`. At most 10,000 rows are examined: with a filter `has_more` may be true although nothing was found. */
export async function listNextEvents(
  { db, account_id }: Ctx,
  after: Place,
  { types, attendance_id }: EventFilter,
  limit: number,
): Promise<EventPiece> {
  const wanted = limit + 1;
  const rows = await findNext(db, {
    ...{ account_id, ...after, examined: examined_at_once, wanted, attendance_id },
    types: types && [...types],
  });
  const [first] = rows;
  if (!first) throw new Error('an edge returned no row');
  const { xmin, is_ours, last_txid, last_position, id } = first;
  const found = id === null ? [] : rows;
  const events = found.slice(0, limit);
  const last = events.at(-1);
  if (found.length === wanted && last) return { events, next: placeOf(last), has_more: true, is_ours };
  if (last_txid !== null && last_position !== null)
    return { events, next: { txid: last_txid, position: last_position }, has_more: true, is_ours };
  // All that is settled was seen; an event id may stand beyond that.
  const next = BigInt(after.txid) < BigInt(xmin) ? { txid: xmin, position: '0' } : after;
  return { events, next, has_more: false, is_ours };
}

const placeOf = ({ txid, position }: Place): Place => ({ txid, position });

/** Where an event stands; undefined when this account has none of that id. */
export async function findPlace({ db, account_id }: Ctx, id: string): Promise<Place | undefined> {
  const { rows } = await db.raw<{ rows: Place[] }>(
    'select cast(txid as text) as txid, cast(position as text) as position from events where account_id = ? and id = ?',
    [account_id, id],
  );
  return rows[0];
}

/** The place behind everything that is settled, and the id of the last event before it. */
export async function findEdge({ db, account_id }: Ctx): Promise<{ place: Place; last_id: string | null }> {
  const { rows } = await db.raw<{ rows: [{ txid: string; last_id: string | null }] }>(
    `with edge as materialized (select pg_snapshot_xmin(pg_current_snapshot()) as xmin)
     select cast(xmin as text) as txid,
            (select id from events where account_id = ? and txid < edge.xmin order by txid desc, position desc limit 1) as last_id
       from edge`,
    [account_id],
  );
  const [{ txid, last_id }] = rows;
  return { place: { txid, position: '0' }, last_id };
}
