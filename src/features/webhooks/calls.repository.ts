import type { Context } from '../../context.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf } from '../../db/table.ts';
import type { ToldEvent } from '../events/event-text.ts';

/** What the lane reads and writes: of all accounts, and the one place beside `events` that reads events. */
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

/** Who has something to be told now, may be called and is not being called; of those in trouble no more than fit. */
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
  ready as (
    select e.account_id, e.id, e.claimed_at, e.failures >= :trouble as is_in_trouble,
           row_number() over (partition by e.failures >= :trouble order by e.claimed_at, e.id) as place
      from waiting w
      join webhook_endpoints e on e.account_id = w.account_id and e.id = w.endpoint_id
     where e.is_enabled and coalesce(e.lease_until <= now(), true) and coalesce(e.paused_until <= now(), true)
       and exists (select from webhook_deliveries d
                    where d.account_id = e.account_id and d.endpoint_id = e.id and d.state = 'pending' and d.run_at <= now())
  ),
  turns as (
    select account_id, id from ready
     where not is_in_trouble or place <= :free_for_trouble
     order by is_in_trouble, claimed_at, id limit :free
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

/** What came of the calls of one lease. */
export interface FinishedEndpoint {
  account_id: string;
  id: string;
  fence: number;
  /** One was taken. */
  has_succeeded: boolean;
  /** How many failed since, and since when. */
  failures: number;
  failing_from: Date | null;
  /** It answered 410. */
  is_gone: boolean;
}

export interface FinishedCall {
  account_id: string;
  delivery_id: string;
  /** As they were when it was claimed. */
  tries: number;
  becomes: 'pending' | 'delivered' | 'failed';
  run_in_ms: number;
  started_at: Date;
  duration_ms: number;
  status_code: number | null;
  error: string | null;
  response: string | null;
}

/** SQL: the delivery `d` was made due again since the call `c` was claimed: what failed then says nothing of the tries to come. */
const is_due_again = `(d.tries <> c.tries and c.becomes <> 'delivered')`;

/** Failed for so long, an endpoint is disabled. */
const failing_for = `interval '5 days'`;
const paused_s = 30;
const longest_pause_s = 600;

const finish = prepare<{ endpoints: string; calls: string; trouble: number }, WebhookEndpointsRow>(
  'finish_webhook_calls',
  `with finished as (
    select * from jsonb_to_recordset(cast(:endpoints as jsonb))
      as f (account_id uuid, id uuid, fence bigint, has_succeeded boolean, failures integer, failing_from timestamptz, is_gone boolean)
  ),
  counted as (
    select e.account_id, e.id, e.is_enabled as was_enabled, f.is_gone, f.failures > 0 as has_failed,
           case when f.has_succeeded then f.failures else e.failures + f.failures end as failures,
           case when f.has_succeeded then f.failing_from else coalesce(e.failing_since, f.failing_from) end as failing_since
      from webhook_endpoints e join finished f on f.account_id = e.account_id and f.id = e.id and f.fence = e.fence
     -- In one order for all who lock several, as an erasure does.
     order by e.account_id, e.id for update of e
  ),
  held as (
    update webhook_endpoints e
       set lease_until = null, failures = c.failures, failing_since = c.failing_since,
           paused_until = case when c.failures >= :trouble then now() + make_interval(secs =>
             least(${longest_pause_s}, ${paused_s} * 2 ^ least(10, (c.failures - :trouble) / 4))) end,
           is_enabled = e.is_enabled and not o.is_over,
           disabled_reason = case when e.is_enabled and o.is_over then case when c.is_gone then 'gone' else 'failing' end
                                  else e.disabled_reason end,
           updated_at = case when e.is_enabled and o.is_over then now() else e.updated_at end
      from counted c
     cross join lateral (
       select c.is_gone or (c.has_failed and c.failing_since <= now() - ${failing_for}) as is_over) o
     where e.account_id = c.account_id and e.id = c.id
    returning ${columnsOf('webhook_endpoints', 'e')}, c.was_enabled
  ),
  tried as (
    update webhook_deliveries d
       set tries = case when ${is_due_again} then d.tries else d.tries + 1 end, attempted = d.attempted + 1,
           state = case when ${is_due_again} then d.state else c.becomes end,
           run_at = case when ${is_due_again} then d.run_at else now() + make_interval(secs => c.run_in_ms / 1000.0) end,
           delivered_at = case when c.becomes = 'delivered' then now() end,
           failed_at = case when c.becomes = 'failed' and not ${is_due_again} then now() end
      from jsonb_to_recordset(cast(:calls as jsonb))
        as c (account_id uuid, delivery_id uuid, tries integer, becomes text, run_in_ms double precision, started_at timestamptz, duration_ms integer,
              status_code integer, error text, response text)
     where d.account_id = c.account_id and d.id = c.delivery_id
       and exists (select from held h where h.account_id = d.account_id and h.id = d.endpoint_id)
    returning d.account_id, d.id, d.attempted, c.started_at, c.duration_ms, c.status_code, c.error,
              case when not d.hides_answers then c.response end as response
  ),
  logged as (
    insert into webhook_attempts (account_id, delivery_id, number, started_at, duration_ms, status_code, error, response)
    select account_id, id, attempted, started_at, duration_ms, status_code, error, response from tried
  )
  select ${columnsOf('webhook_endpoints', 'h')} from held h where h.was_enabled and not h.is_enabled`,
);

/** Writes attempts and what follows for their endpoints; those of a stale fence nothing. Returns the endpoints disabled by it. */
export async function finishCalls(
  { db }: Ctx,
  finished: { endpoints: FinishedEndpoint[]; calls: FinishedCall[]; trouble: number },
): Promise<WebhookEndpointsRow[]> {
  return finish(db, {
    endpoints: JSON.stringify(finished.endpoints),
    calls: JSON.stringify(finished.calls),
    trouble: finished.trouble,
  });
}
