import type { Context } from '../../context.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import type { ToldEvent } from '../events/event-text.ts';

/** What the lane reads and takes: of all accounts, and the one place beside `events` that reads events. */
type Ctx = Pick<Context, 'db'>;

/** Endpoints that are brought up to date at once, and events for each. */
const endpoints_at_once = 100;
const events_at_once = 500;

/**
 * Moves endpoints on in the order of events: accounts in turn, of each those first that are furthest behind. What they hear of
 * becomes a delivery; one that is there already (a replay) is due again. An event is read below the oldest running transaction, so
 * that none that commits late is passed by.
 */
const read = prepare<{ endpoints: number; events: number }, { most: number; endpoints: number }>(
  'read_events_for_webhooks',
  `with edge as (select pg_snapshot_xmin(pg_current_snapshot()) as xmin),
  behind as (
    select e.account_id, e.id, e.event_types, e.read_txid, e.read_position, e.reads_from, e.reads_snapshot,
           e.replayed_to_txid, e.replayed_to_position, e.replays_from, t.xmin
      from (select w.account_id, w.id, edge.xmin, w.read_txid, w.read_position,
                   row_number() over (partition by w.account_id order by w.read_txid, w.read_position) as turn
              from webhook_endpoints w, edge
             where w.is_enabled
               and exists (select from events v
                            where v.account_id = w.account_id and (v.txid, v.position) > (w.read_txid, w.read_position)
                              and v.txid < edge.xmin)) t
      join webhook_endpoints e on e.account_id = t.account_id and e.id = t.id and e.is_enabled
     order by t.turn, t.read_txid, t.read_position limit :endpoints
       for update of e skip locked
  ),
  news as (
    select b.account_id, b.id as endpoint_id, v.id as event_id, v.type, v.txid, v.position,
           row_number() over (partition by b.account_id, b.id order by v.txid, v.position) as place,
           case when (v.txid, v.position) <= (b.replayed_to_txid, b.replayed_to_position) then v.created_at >= b.replays_from
                when b.reads_snapshot is null then v.created_at >= b.reads_from
                -- Composed before, and committed after: nobody has seen it yet.
                else not pg_visible_in_snapshot(v.txid, b.reads_snapshot) end
             and (b.event_types is null or v.type = any (b.event_types)) as is_told
      from behind b
     cross join lateral (
       select v.id, v.type, v.txid, v.position, v.created_at from events v
        where v.account_id = b.account_id and (v.txid, v.position) > (b.read_txid, b.read_position) and v.txid < b.xmin
        order by v.txid, v.position limit :events) v
  ),
  moved as (
    update webhook_endpoints e
       set read_txid = l.txid, read_position = l.position
      from (select distinct on (account_id, endpoint_id) * from news order by account_id, endpoint_id, place desc) l
     where e.account_id = l.account_id and e.id = l.endpoint_id
  ),
  told as (
    insert into webhook_deliveries (account_id, id, endpoint_id, event_id, event_type, run_at, created_at)
    select account_id, new_id(now(), place), endpoint_id, event_id, type, now(), now() from news where is_told
        on conflict on constraint webhook_deliveries_event
        do update set state = 'pending', tries = 0, run_at = now(), delivered_at = null, failed_at = null
  )
  select coalesce(max(place), 0) as most, (select count(*) from behind) as endpoints from news`,
);

/** Returns whether there is more to read at once. */
export async function readEvents({ db }: Ctx): Promise<boolean> {
  const [row] = await read(db, { endpoints: endpoints_at_once, events: events_at_once });
  const { most = 0, endpoints = 0 } = row ?? {};
  return most >= events_at_once || endpoints >= endpoints_at_once;
}

/** An endpoint that this process may call until its lease ends, and one of its deliveries. */
export type ClaimedCall = Pick<
  WebhookEndpointsRow,
  'account_id' | 'id' | 'url' | 'secret' | 'previous_secret' | 'previous_secret_until' | 'failures'
> & {
  fence: number;
  delivery_id: string;
  tries: number;
  event_id: string;
  /** Null once the event is gone. */
  event: ToldEvent | null;
};

interface CallRow extends Omit<ClaimedCall, 'event'> {
  type: string | null;
  created_at: Date;
  attendance_sequence: number | null;
  data_text: string;
}

/**
 * Who has something to be told now, may be called and is not being called; of those in trouble no more than fit. Accounts take
 * turns: an endpoint comes behind those of accounts that have fewer called right now, those with the same by who waited longest.
 */
const claim = prepare<Omit<ClaimOptions, 'lease_ms'> & { lease: string }, CallRow>(
  'claim_webhook_calls',
  `with recursive waiting as (
    (select account_id, endpoint_id from webhook_deliveries where state = 'pending' order by account_id, endpoint_id limit 1)
    union all
    select n.account_id, n.endpoint_id
      from waiting w
     cross join lateral (
       select d.account_id, d.endpoint_id from webhook_deliveries d
        where d.state = 'pending' and (d.account_id, d.endpoint_id) > (w.account_id, w.endpoint_id)
        order by d.account_id, d.endpoint_id limit 1) n
  ),
  due as (
    select e.account_id, e.id, e.claimed_at, e.failures >= :trouble as is_in_trouble, coalesce(e.lease_until > now(), false) as is_leased
      from waiting w
      join webhook_endpoints e on e.account_id = w.account_id and e.id = w.endpoint_id
     where e.is_enabled and coalesce(e.paused_until <= now(), true)
       and (e.lease_until > now() or exists (
             select from webhook_deliveries d
              where d.account_id = e.account_id and d.endpoint_id = e.id and d.state = 'pending' and d.run_at <= now()))
  ),
  ready as (
    select account_id, id, claimed_at, is_leased, is_in_trouble,
           count(*) filter (where is_leased) over (partition by account_id)
             + row_number() over (partition by account_id, is_leased, is_in_trouble order by claimed_at, id) as turn
      from due
  ),
  turns as (
    (select account_id, id, is_in_trouble, turn, claimed_at from ready
      where not is_leased and not is_in_trouble order by turn, claimed_at, id limit :free)
    union all
    (select account_id, id, is_in_trouble, turn, claimed_at from ready
      where not is_leased and is_in_trouble order by turn, claimed_at, id limit :free_for_trouble)
     order by is_in_trouble, turn, claimed_at, id limit :free
  ),
  taken as (
    select e.account_id, e.id from webhook_endpoints e join turns t on t.account_id = e.account_id and t.id = e.id
     where e.is_enabled and coalesce(e.lease_until <= now(), true)
       for update of e skip locked
  ),
  leased as (
    update webhook_endpoints e
       set fence = nextval('fences'), lease_until = now() + cast(:lease as interval), claimed_at = now()
      from taken t
     where e.account_id = t.account_id and e.id = t.id
    returning e.account_id, e.id, e.url, e.secret, e.previous_secret, e.previous_secret_until, e.failures, e.fence
  )
  select l.*, d.id as delivery_id, d.tries, d.event_id, v.type, v.created_at, v.attendance_sequence, cast(v.data as text) as data_text
    from leased l
   cross join lateral (
     select d.id, d.tries, d.event_id, d.run_at from webhook_deliveries d
      where d.account_id = l.account_id and d.endpoint_id = l.id and d.state = 'pending' and d.run_at <= now()
      order by d.run_at, d.id limit case when l.failures >= :trouble then 1 else :each end) d
    left join events v on v.account_id = l.account_id and v.id = d.event_id
   order by l.account_id, l.id, d.run_at, d.id`,
);

interface ClaimOptions {
  /** Endpoints to take. */
  free: number;
  /** Of which at most so many are in trouble: have failed so often in a row. */
  free_for_trouble: number;
  trouble: number;
  /** Deliveries of one endpoint; of one in trouble it is 1, a probe. */
  each: number;
  lease_ms: number;
}

/** Due deliveries under a lease and fence of their endpoint, endpoint by endpoint and oldest first. */
export async function claimCalls({ db }: Ctx, { lease_ms, ...options }: ClaimOptions): Promise<ClaimedCall[]> {
  const rows = await claim(db, { ...options, lease: `${lease_ms} milliseconds` });
  return rows.map(({ type, created_at, attendance_sequence, data_text, ...call }) => ({
    ...call,
    event: type === null ? null : { id: call.event_id, type, created_at, attendance_sequence, data_text },
  }));
}
