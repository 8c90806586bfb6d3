import { type Context, inTransaction } from '../../context.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';
import { uuid } from '../../random.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { NewEvent } from '../events/events.schema.ts';
import { toEndpoint } from './endpoints.repository.ts';
import { type FinishedCall, type FinishedEndpoint, finishCalls } from './finished-calls.repository.ts';
import { nextAttemptIn, trouble } from './retry-schedule.ts';
import type { FinishedCalls, MadeCall } from './webhook-lane.ts';

/** Writes what came of calls, and tells of endpoints that are disabled by it; one transaction. */
export async function recordCalls(ctx: Context, finished: FinishedCalls[]): Promise<void> {
  // One that we gave up ourselves was not tried.
  const tried = finished.map(({ item, outcome }) => ({
    endpoint: item.endpoint,
    made: outcome.filter(({ made }) => made.error !== 'aborted'),
  }));
  await inTransaction(ctx, async (trx) => {
    const disabled = await finishCalls(trx, {
      endpoints: tried.map(({ endpoint, made }) => ({ ...endpoint, ...summarise(made) })).map(toFinishedEndpoint),
      calls: tried.flatMap(({ endpoint, made }) => made.map((one) => toFinishedCall(endpoint.account_id, one))),
      trouble,
    });
    await insertEvents(
      trx,
      disabled.map((row) => tellDisabled(ctx, row)),
    );
  });
}

type Summary = Pick<FinishedEndpoint, 'has_succeeded' | 'failures' | 'failing_from' | 'is_gone'>;

/** Attempts in the order in which they ended. An event that is gone says nothing of the endpoint. */
function summarise(made: MadeCall[]): Summary {
  const summary: Summary = { has_succeeded: false, failures: 0, failing_from: null, is_gone: false };
  for (const { made: call } of made) {
    if (call.error === 'event_gone') continue;
    if (call.error === null) Object.assign(summary, { has_succeeded: true, failures: 0, failing_from: null });
    else
      Object.assign(summary, { failures: summary.failures + 1, failing_from: summary.failing_from ?? call.started_at });
    if (call.status_code === 410) summary.is_gone = true;
  }
  return summary;
}

const toFinishedEndpoint = ({
  account_id,
  id,
  fence,
  has_succeeded,
  failures,
  failing_from,
  is_gone,
}: FinishedEndpoint): FinishedEndpoint => ({ account_id, id, fence, has_succeeded, failures, failing_from, is_gone });

function toFinishedCall(account_id: string, { call, made }: MadeCall): FinishedCall {
  const { retry_after_ms, ...attempt } = made;
  const { delivery_id } = call;
  const delay_ms = nextAttemptIn(call.tries + 1, retry_after_ms);
  const is_last = delay_ms === null || made.status_code === 410 || made.error === 'event_gone';
  const becomes = made.error === null ? 'delivered' : is_last ? 'failed' : 'pending';
  const { tries } = call;
  return {
    account_id,
    delivery_id,
    tries,
    becomes,
    run_in_ms: becomes === 'pending' ? (delay_ms ?? 0) : 0,
    ...attempt,
  };
}

/** The event of an endpoint that is called no more. */
export function tellDisabled(ctx: Pick<Context, 'now'>, row: WebhookEndpointsRow): NewEvent {
  return {
    account_id: row.account_id,
    id: uuid(),
    type: 'webhook_endpoint.disabled',
    attendance_id: null,
    attendance_sequence: null,
    contact_id: null,
    data: toEndpoint(row),
    created_at: ctx.now(),
  };
}
