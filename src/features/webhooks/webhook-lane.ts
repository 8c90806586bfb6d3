import type { Context } from '../../context.ts';
import type { Finished, LaneWork } from '../../lanes/lane.ts';
import type { HttpClient } from '../../outbound/outbound.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { eventText } from '../events/event-text.ts';
import { webhooks_topic } from '../events/tell-of-events.ts';
import { type Call, callEndpoint } from './call-endpoint.ts';
import { type ClaimedCall, claimCalls, readEvents } from './calls.repository.ts';
import { recordCalls } from './record-calls.ts';
import { trouble } from './retry-schedule.ts';
import { openKeys } from './webhook-secret.ts';

/** In the air at one endpoint; the lease is the endpoint's, so across all processes. */
const most_at_once = 4;
const deliveries_of_one = 100;
/** No new call of a lease begins later, so that what waits behind it need not wait long. */
const begin_within_ms = 3_000;
const lease_reserve_ms = 2_000;

/** One endpoint under a lease, and what it is to be told. */
export interface EndpointCalls {
  endpoint: Pick<ClaimedCall, 'account_id' | 'id' | 'url' | 'secret' | 'previous_secret' | 'previous_secret_until'> & {
    failures: number;
    fence: number;
  };
  calls: ClaimedCall[];
}

/** A call that was made, or that cannot be. */
export interface MadeCall {
  call: ClaimedCall;
  made: Call;
}

export interface WebhookDependencies {
  http: HttpClient;
  vaults: Vaults;
  timeout_ms: number;
  /** Endpoints that one process calls at once. */
  slots: number;
}

/** The lane that tells events to endpoints: at least once, each under the same `webhook-id` however often. */
export function webhookWork(deps: WebhookDependencies): LaneWork<EndpointCalls, MadeCall[]> {
  const lease_ms = begin_within_ms + deps.timeout_ms + lease_reserve_ms;
  return {
    name: webhooks_topic,
    is_chained: true,
    claim: async (ctx, free) => {
      const is_more = await readEvents(ctx);
      const calls = await claimCalls(ctx, {
        free,
        // Those that hang or fail never have the last half of the places.
        free_for_trouble: Math.max(0, free - Math.floor(deps.slots / 2)),
        trouble,
        each: deliveries_of_one,
        lease_ms,
      });
      return { items: byEndpoint(calls), again_in_ms: is_more || calls.length > 0 ? 0 : null };
    },
    run: (ctx, item) => callAll(ctx, deps, item),
    finish: (ctx, finished) => recordCalls(ctx, finished),
    accountOf: ({ endpoint }) => endpoint.account_id,
    // A lease that has passed is due again by itself: telling twice is no harm.
    sweep: async () => undefined,
  };
}

function byEndpoint(calls: ClaimedCall[]): EndpointCalls[] {
  const items = new Map<string, EndpointCalls>();
  for (const call of calls) {
    const item = items.get(call.id);
    if (item) item.calls.push(call);
    else items.set(call.id, { endpoint: call, calls: [call] });
  }
  return [...items.values()];
}

/** Calls in order, four at once, until all are made, the time to begin is over, or the endpoint turns out to be in trouble. */
async function callAll(
  ctx: Context,
  deps: WebhookDependencies,
  { endpoint, calls }: EndpointCalls,
): Promise<MadeCall[]> {
  const vault = (await deps.vaults.openAll(ctx, [endpoint.account_id])).get(endpoint.account_id);
  // Left to its lease: it would be due again at once.
  if (!vault) throw new Error(`account ${endpoint.account_id} does not open`);
  const target = { url: endpoint.url, keys: openKeys(vault, endpoint, ctx.now()) };
  const caller = { http: deps.http, timeout_ms: deps.timeout_ms, now: ctx.now, signal: ctx.signal };
  const until = performance.now() + begin_within_ms;
  const waiting = [...calls];
  const made: MadeCall[] = [];
  let failures = endpoint.failures;
  let is_over = false;
  const callNext = async () => {
    for (let call = waiting.shift(); call; call = is_over ? undefined : waiting.shift()) {
      const result = call.event
        ? await callEndpoint(caller, target, { id: call.event_id, text: eventText(call.event) })
        : lost(ctx);
      made.push({ call, made: result });
      failures = result.error === null ? 0 : failures + 1;
      is_over = failures >= trouble || result.status_code === 410 || performance.now() > until || ctx.signal.aborted;
      logCall(ctx, endpoint, call, result);
    }
  };
  await Promise.all(Array.from({ length: most_at_once }, callNext));
  return made;
}

/** The event was dropped with its age before it could be told. */
const lost = (ctx: Context): Call => ({
  started_at: ctx.now(),
  duration_ms: 0,
  status_code: null,
  error: 'event_gone',
  response: null,
  retry_after_ms: null,
});

function logCall(ctx: Context, { account_id, id }: EndpointCalls['endpoint'], call: ClaimedCall, result: Call): void {
  const { delivery_id, event_id, tries } = call;
  const { status_code, error, duration_ms } = result;
  ctx.log.info(
    { account_id, endpoint_id: id, delivery_id, event_id, attempt: tries + 1, status_code, error, duration_ms },
    'webhook.attempted',
  );
}

export type FinishedCalls = Finished<EndpointCalls, MadeCall[]>;
