import type { Context, Scope } from '../../context.ts';
import { inTransaction } from '../../context.ts';
import { isDatabaseUnavailable } from '../../db/pg-errors.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { toStorableJson } from '../../db/storable-json.ts';
import type { LaneWork } from '../../lanes/lane.ts';
import type { Wake } from '../../lanes/wake.ts';
import type { InboundEvent } from '../../providers/inbound.ts';
import { findProvider } from '../../providers/registry.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { findInboundChannel } from '../channels/channels.repository.ts';
import { readCredentials } from '../channels/provider-call.ts';
import { settled_topic } from '../messages/wait-for-message.ts';
import { applyEvent } from './apply-event.ts';
import {
  type ClaimedBody,
  type ClaimedItem,
  claimBodies,
  claimItems,
  deleteItem,
  finishBody,
  giveBack,
  type KeptItem,
  postponeItem,
  quarantineBody,
  releaseLost,
} from './inbound.repository.ts';
import { messageIdOf } from './message-id.ts';
import { bodyBinding, itemBinding } from './sealed.ts';

/** Calls the lane: after a body was stored. */
export const inbound_topic = 'inbound';

/** After so many tries an item is kept aside with its reason. */
const most_tries = 5;
const first_retry_ms = 1_000;

/** Some bodies of one channel, in their order; or one item that is tried again. */
export type InboundWorkItem = { bodies: ClaimedBody[] } | { item: ClaimedItem };

export interface InboundDependencies {
  vaults: Vaults;
  wake: Wake;
  lease_ms: number;
  public_url: string;
}

/** The lane that expands what providers called in. At least once: expanding a body twice has no second effect. */
export function inboundWork(deps: InboundDependencies): LaneWork<InboundWorkItem, number> {
  return {
    name: inbound_topic,
    claim: async (ctx, free) => {
      const bodies = byChannel(await claimBodies(ctx, free, deps.lease_ms));
      const left = free - bodies.size;
      const items = left > 0 ? await claimItems(ctx, left, deps.lease_ms) : [];
      return {
        items: [
          ...[...bodies.values()].map((of_channel) => ({ bodies: of_channel })),
          ...items.map((item) => ({ item })),
        ],
        again_in_ms: null,
      };
    },
    run: (ctx, work) => ('item' in work ? retryItem(ctx, deps, work.item) : expandAll(ctx, deps, work.bodies)),
    finish: async (_, finished) => {
      if (finished.some(({ outcome }) => outcome > 0)) deps.wake.call(settled_topic);
    },
    sweep: async (ctx) => {
      const released = await releaseLost(ctx, most_tries);
      if (released > 0) ctx.log.warn({ released }, 'inbound.released');
    },
  };
}

function byChannel(claimed: ClaimedBody[]): Map<string, ClaimedBody[]> {
  const bodies = new Map<string, ClaimedBody[]>();
  for (const body of claimed) bodies.set(body.channel_id, [...(bodies.get(body.channel_id) ?? []), body]);
  return bodies;
}

/** Returns how many events were applied. */
async function expandAll(ctx: Context, deps: InboundDependencies, bodies: ClaimedBody[]): Promise<number> {
  // What does not fit into most of the lease is given back, so that nobody else expands it meanwhile.
  const until = performance.now() + 0.6 * deps.lease_ms;
  let applied = 0;
  for (const [place, body] of bodies.entries()) {
    if (place > 0 && performance.now() > until) {
      await giveBack(ctx, bodies.slice(place));
      break;
    }
    applied += await expandBody(ctx, deps, body);
  }
  return applied;
}

async function openScope(ctx: Context, { vaults }: InboundDependencies, channel_id: string, account_id: string) {
  const channel = await findInboundChannel(ctx, channel_id);
  const vault = (await vaults.openAll(ctx, [account_id])).get(account_id);
  if (!channel || !vault) return undefined;
  // Numbers in bodies carry their country code: the account's country is never asked.
  const scope: Scope = { ...ctx, account_id, default_country: 'BR', vault, api_key_id: null };
  return { channel, scope };
}

async function expandBody(ctx: Context, deps: InboundDependencies, body: ClaimedBody): Promise<number> {
  const opened = await openScope(ctx, deps, body.channel_id, body.account_id);
  // The channel was archived or the vault does not open: nobody could do anything with it.
  if (!opened) return giveUp(ctx, body, 'the channel is gone, or its account does not open');
  const { channel, scope } = opened;
  const events = parseBody(scope, channel, body);
  if (!events) return giveUp(ctx, body, 'the body is no JSON');
  const counts = new Map<string, number>();
  const kept: KeptItem[] = [];
  for (const [place, event] of events.entries()) {
    const result = await applyOne(scope, deps, channel, event, toPlace(body, place, event));
    counts.set(result.outcome, (counts.get(result.outcome) ?? 0) + 1);
    if (result.retry) kept.push(toItem(scope, body, place, event, result.retry));
  }
  await finishBody(ctx, body, kept);
  logBody(ctx, channel, body, counts);
  return counts.get('applied') ?? 0;
}

async function giveUp(ctx: Context, body: ClaimedBody, reason: string): Promise<number> {
  await quarantineBody(ctx, body, reason);
  ctx.log.error(
    { account_id: body.account_id, channel_id: body.channel_id, body_id: body.id, reason },
    'inbound.quarantined',
  );
  return 0;
}

function parseBody(scope: Scope, channel: ChannelsRow, { id, body, received_at }: ClaimedBody): InboundEvent[] | null {
  const text = scope.vault.unseal(body, bodyBinding(id)).toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  // NUL and half surrogates are legal JSON and no text that can be kept.
  const storable: unknown = JSON.parse(toStorableJson(parsed));
  return findProvider(channel.provider).inbound.parse(storable, readCredentials(scope, channel), received_at);
}

interface Result {
  outcome: string;
  /** Why it is to be tried again. */
  retry: string | null;
}

/** In a transaction of its own, so that one poisoned event holds up no other. The database being away is the body's affair. */
async function applyOne(
  scope: Scope,
  { public_url }: InboundDependencies,
  channel: ChannelsRow,
  event: InboundEvent,
  place: { message_id: string; received_at: Date },
): Promise<Result> {
  if (event.kind === 'ignored') return { outcome: `ignored_${event.reason}`, retry: null };
  try {
    const outcome = await inTransaction(scope, (trx) => applyEvent(trx, public_url, channel, event, place));
    return { outcome, retry: outcome === 'not_found' ? 'no message of ours is known by this id yet' : null };
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    scope.log.warn(
      { err: error, account_id: scope.account_id, channel_id: channel.id, kind: event.kind },
      'inbound.not_applied',
    );
    return { outcome: 'failed', retry: error instanceof Error ? error.message : String(error) };
  }
}

/** Ids of what a body makes: the same however often it is expanded. */
function toPlace(body: { id: string; received_at: Date }, place: number, event: InboundEvent) {
  const at = 'at' in event ? event.at : body.received_at;
  return { message_id: messageIdOf(body.id, place, at), received_at: body.received_at };
}

function toItem(scope: Scope, body: ClaimedBody, place: number, event: InboundEvent, reason: string): KeptItem {
  return {
    account_id: body.account_id,
    body_id: body.id,
    place,
    channel_id: body.channel_id,
    event: scope.vault.seal(Buffer.from(JSON.stringify(event)), itemBinding(body.id, place)),
    kind: event.kind,
    reason: reason.slice(0, 500),
    run_in_ms: first_retry_ms,
    received_at: body.received_at,
  };
}

/** Times come back from JSON as texts. */
function readItem(scope: Scope, { body_id, place, event }: ClaimedItem): InboundEvent {
  const text = scope.vault.unseal(event, itemBinding(body_id, place)).toString();
  return JSON.parse(text, (name, value) => (name === 'at' ? new Date(value) : value)) as InboundEvent;
}

async function retryItem(ctx: Context, deps: InboundDependencies, item: ClaimedItem): Promise<number> {
  const opened = await openScope(ctx, deps, item.channel_id, item.account_id);
  if (!opened) return postponeItem(ctx, item, { reason: 'the channel is gone', run_in_ms: null }).then(() => 0);
  const { channel, scope } = opened;
  const event = readItem(scope, item);
  const result = await applyOne(scope, deps, channel, event, toPlace({ ...item, id: item.body_id }, item.place, event));
  const is_last = item.tries >= most_tries;
  // A report on a message that we never sent, such as one from another app on the same number, is nobody's fault.
  if (!result.retry || (is_last && result.outcome === 'not_found')) {
    await deleteItem(ctx, item);
    return result.outcome === 'applied' ? 1 : 0;
  }
  const run_in_ms = is_last ? null : first_retry_ms * 2 ** (item.tries - 1);
  await postponeItem(ctx, item, { reason: result.retry, run_in_ms });
  if (is_last) ctx.log.error({ body_id: item.body_id, place: item.place, reason: result.retry }, 'inbound.quarantined');
  return 0;
}

/** One line per body: what became of its events, and nothing of what they say. */
function logBody(ctx: Context, channel: ChannelsRow, body: ClaimedBody, counts: Map<string, number>): void {
  ctx.log.info(
    {
      account_id: body.account_id,
      channel_id: channel.id,
      provider: channel.provider,
      body_id: body.id,
      attempt: body.attempt,
      ...Object.fromEntries(counts),
    },
    'inbound.expanded',
  );
}
