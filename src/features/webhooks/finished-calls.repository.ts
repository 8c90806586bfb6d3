import type { Context } from '../../context.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf } from '../../db/table.ts';

type Ctx = Pick<Context, 'db'>;

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
