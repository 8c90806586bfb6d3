import type { Context, Scope } from '../../context.ts';
import type { LaneWork } from '../../lanes/lane.ts';
import type { InboundEvent } from '../../providers/inbound.ts';
import { isAnyUnanswered } from '../messages/unanswered.repository.ts';
import { settled_topic } from '../messages/wait-for-message.ts';
import { expandBodies, type InboundDependencies } from './expand-bodies.ts';
import {
  type ClaimedBody,
  type ClaimedItem,
  claimBodies,
  claimItems,
  deleteItem,
  postponeItem,
  releaseLost,
} from './inbound.repository.ts';
import { applyOne, first_retry_ms, not_known_yet, toPlaced } from './inbound-items.ts';
import { openScope, sealed_off, tellDropped } from './open-scope.ts';
import { itemBinding } from './sealed.ts';

/** Calls the lane: after a body was stored. */
export const inbound_topic = 'inbound';

/** After so many tries an item is kept aside with its reason. */
const most_tries = 5;
/** Of one that waits for a lock, over about an hour: whoever holds it may be an operator at work. */
const most_waits = 64;
const longest_retry_ms = 60_000;
const echo_within_ms = 600_000;

/** Some bodies of one channel, in their order; or one item that is tried again. */
export type InboundWorkItem = { bodies: ClaimedBody[] } | { item: ClaimedItem };

/** The lane that expands what providers called in. At least once: expanding a body twice has no second effect. */
export function inboundWork(deps: InboundDependencies): LaneWork<InboundWorkItem, number> {
  let is_items_turn = false;
  return {
    name: inbound_topic,
    is_chained: true,
    claim: async (ctx, free) => {
      // Neither keeps the other waiting: up to half of what is free are events that are tried again, or every other claim.
      is_items_turn = !is_items_turn;
      const most_items = Math.floor(free / 2) || Number(is_items_turn);
      const again = most_items > 0 ? await claimItems(ctx, most_items, deps.lease_ms) : [];
      const left = free - again.length;
      const bodies = byChannel(left > 0 ? await claimBodies(ctx, left, deps.lease_ms) : []);
      const items: InboundWorkItem[] = [
        ...again.map((item) => ({ item })),
        ...[...bodies.values()].map((of_channel) => ({ bodies: of_channel })),
      ];
      return { items, again_in_ms: items.length > 0 ? 0 : null };
    },
    run: (ctx, work, isStopping) =>
      'item' in work ? retryItem(ctx, deps, work.item) : expandBodies(ctx, { ...deps, isStopping }, work.bodies),
    finish: async (_, finished) => {
      if (finished.some(({ outcome }) => outcome > 0)) deps.wake.call(settled_topic);
    },
    sweep: async (ctx) => {
      const released = await releaseLost(ctx, { most: most_tries, most_waits, waits: not_known_yet });
      if (released > 0) ctx.log.warn({ released }, 'inbound.released');
    },
  };
}

function byChannel(claimed: ClaimedBody[]): Map<string, ClaimedBody[]> {
  const bodies = new Map<string, ClaimedBody[]>();
  for (const body of claimed) bodies.set(body.channel_id, [...(bodies.get(body.channel_id) ?? []), body]);
  return bodies;
}

/** Times come back from JSON as texts. */
function readItem(scope: Scope, { body_id, place, event }: ClaimedItem): InboundEvent {
  const text = scope.vault.unseal(event, itemBinding(body_id, place)).toString();
  return JSON.parse(text, (name, value) => (name === 'at' ? new Date(value) : value)) as InboundEvent;
}

async function retryItem(ctx: Context, deps: InboundDependencies, item: ClaimedItem): Promise<number> {
  const opened = await openScope(ctx, deps, item);
  if (opened === 'no_channel') {
    await deleteItem(ctx, item);
    tellDropped(ctx, item, 1);
    return 0;
  }
  if (opened === 'no_vault') return giveUpItem(ctx, item, sealed_off);
  const { channel, scope } = opened;
  const event = readItem(scope, item);
  const result = await applyOne(scope, deps, channel, toPlaced({ ...item, id: item.body_id }, item.place, event));
  const is_missing = result.outcome === 'not_found';
  const has_tried = item.tries >= most_tries;
  const waits = result.has_waited || (has_tried && is_missing && (await mayBeOurs(scope, item)));
  const is_last = item.tries >= (waits ? most_waits : most_tries);
  // A report on a message that we never sent, such as one from another app on the same number, is nobody's fault.
  if (!result.retry || (is_last && is_missing)) {
    await deleteItem(ctx, item);
    return result.outcome === 'applied' ? 1 : 0;
  }
  if (is_last) return giveUpItem(ctx, item, result.retry);
  await postponeItem(ctx, item, {
    reason: result.retry,
    run_in_ms: Math.min(longest_retry_ms, first_retry_ms * 2 ** (item.tries - 1)),
  });
  return 0;
}

/** A report may be of a message whose answer was lost, and overtake the echo that tells its id: by as long as an echo may come late. */
async function mayBeOurs(scope: Scope, { channel_id, received_at }: ClaimedItem): Promise<boolean> {
  if (scope.now().getTime() - received_at.getTime() > echo_within_ms) return false;
  return isAnyUnanswered(scope, channel_id);
}

async function giveUpItem(ctx: Context, item: ClaimedItem, reason: string): Promise<0> {
  await postponeItem(ctx, item, { reason, run_in_ms: null });
  const { account_id, channel_id, body_id, place } = item;
  ctx.log.error({ account_id, channel_id, body_id, place, reason }, 'inbound.quarantined');
  return 0;
}
