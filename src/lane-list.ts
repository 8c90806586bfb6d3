import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { withFailpoint } from './failpoints.ts';
import type { Vaults } from './features/accounts/vaults.ts';
import { dispatchWork } from './features/attendances/dispatch-lane.ts';
import { sweepSilence } from './features/attendances/sweep-silence.ts';
import type { Outside } from './features/channels/provider-call.ts';
import { dropOldEvents } from './features/events/retention.repository.ts';
import { tellingLane, tellingUpkeep } from './features/events/tell-of-events.ts';
import { dropOldQuarantine } from './features/inbound/drop-old-quarantine.ts';
import { inboundWork } from './features/inbound/inbound-lane.ts';
import { syncDueTemplates } from './features/templates/sync-due.ts';
import { dropOldDeliveries } from './features/webhooks/deliveries.repository.ts';
import { webhookWork } from './features/webhooks/webhook-lane.ts';
import { sweepAnswers } from './http/idempotency.repository.ts';
import { type Lane, startLane } from './lanes/lane.ts';
import { startUpkeep } from './lanes/upkeep.ts';
import type { Wake } from './lanes/wake.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** What lanes stand on. */
export interface LaneParts {
  ground: { config: Config; public_url: string };
  vaults: Vaults;
  outside: Outside;
  wake: Wake;
  telemetry: Telemetry;
}

const upkeep_ms = 60_000;
/** A claim costs some milliseconds whether it takes one message or a hundred. */
const claim_gap_ms = 10;
/** It steps through all accounts. */
const events_upkeep_ms = 600_000;
/** It is called after every change, whether an endpoint hears of it or not. */
const webhook_gap_ms = 20;
/**
 * What comes wakes these lanes. To look without a call is for what is tried again, after seconds or hours, and for what a lost call
 * left behind; dispatch, which promises when a lease has ended, looks more often. At rest each look is most of what we cost.
 */
const seldom = 3;
/** An endpoint that hangs may take longer than a stop has: what is in the air is told again by another process. */
const webhook_stop_ms = 5_000;
/** Channels whose bodies are expanded at once. */
const inbound_slots = 8;

/** The list of lanes. A test, or a process, that starts none of them does nothing by itself. */
export function startLanes(
  ctx: Context,
  { ground: { config, public_url }, vaults, outside, wake, telemetry }: LaneParts,
): Lane[] {
  const options = {
    slots: config.dispatch_slots,
    poll_ms: config.sweep_ms,
    sweep_ms: config.sweep_ms,
    stop_within_ms: 1.2 * config.send_timeout_ms,
    wake,
  };
  const webhooks = { timeout_ms: config.webhook_timeout_ms, slots: config.webhook_slots };
  const onSwept = telemetry.metrics.swept;
  const dispatch = dispatchWork({ outside, vaults, wake, lease_ms: config.lease_ms, public_url, onSwept });
  return [
    startLane(ctx, tellingLane(wake, telemetry.watchDispatch(withFailpoint(dispatch, config.failpoint))), {
      ...options,
      claim_gap_ms,
    }),
    startLane(ctx, tellingLane(wake, inboundWork({ vaults, wake, lease_ms: config.lease_ms, public_url })), {
      ...options,
      poll_ms: seldom * config.sweep_ms,
      sweep_ms: seldom * config.sweep_ms,
      slots: inbound_slots,
    }),
    startLane(ctx, webhookWork({ ...webhooks, http: outside.http, vaults }), {
      ...options,
      slots: webhooks.slots,
      poll_ms: seldom * config.sweep_ms,
      claim_gap_ms: webhook_gap_ms,
      idle_gap_ms: webhook_gap_ms,
      stop_within_ms: webhook_stop_ms,
    }),
    startUpkeep(ctx, {
      name: 'webhook_log',
      every_ms: upkeep_ms,
      run: (own) => dropOldDeliveries(own, config.webhook_log_days),
    }),
    startUpkeep(ctx, { name: 'silence', every_ms: 5 * config.sweep_ms, run: tellingUpkeep(wake, sweepSilence) }),
    startUpkeep(ctx, {
      name: 'templates',
      every_ms: 5 * config.sweep_ms,
      run: tellingUpkeep(wake, (own) => syncDueTemplates(own, vaults, outside)),
    }),
    startUpkeep(ctx, {
      name: 'old_events',
      every_ms: events_upkeep_ms,
      run: (own) => dropOldEvents(own, config.events_kept_days),
    }),
    startUpkeep(ctx, {
      name: 'old_quarantine',
      every_ms: events_upkeep_ms,
      run: (own) => dropOldQuarantine(own, config.events_kept_days),
    }),
    startUpkeep(ctx, { name: 'stored_answers', every_ms: upkeep_ms, run: sweepAnswers }),
  ];
}
