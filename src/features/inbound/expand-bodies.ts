import type { Context, Scope } from '../../context.ts';
import { inTransaction } from '../../context.ts';
import { isDatabaseUnavailable, isTooMuchAtOnce, messageOf } from '../../db/pg-errors.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { Wake } from '../../lanes/wake.ts';
import type { InboundEvent } from '../../providers/inbound.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { readCredentials } from '../channels/provider-call.ts';
import { applyEvents, type Outcome } from './apply-event.ts';
import { type ClaimedBody, finishBodies, giveBack, type KeptItem, quarantineBody } from './inbound.repository.ts';
import { messageIdOf } from './message-id.ts';
import { openScope, sealed_off, tellDropped } from './open-scope.ts';
import { type ReadBody, readBody } from './read-body.ts';
import { itemBinding } from './sealed.ts';
import type { Placed } from './to-steps.ts';

/** Until an event that could not be applied is tried again; then it doubles. */
export const first_retry_ms = 1_000;

/** What a channel's bodies make, and whether it was made. */
export interface InboundDependencies {
  vaults: Vaults;
  wake: Wake;
  lease_ms: number;
  public_url: string;
}

/** Events of one transaction: its locks are held for as long as it takes. A body is never divided. */
const most_together = 500;

/** Applies what bodies of one channel tell, in their order; returns how many events had an effect. */
export async function expandBodies(ctx: Context, deps: InboundDependencies, bodies: ClaimedBody[]): Promise<number> {
  const [first] = bodies;
  if (!first) return 0;
  const opened = await openScope(ctx, deps, first);
  if (opened === 'no_channel') {
    await finishBodies(ctx, bodies, []);
    tellDropped(ctx, first, bodies.length);
    return 0;
  }
  if (opened === 'no_vault') {
    for (const body of bodies) await giveUp(ctx, body, sealed_off);
    return 0;
  }
  // What does not fit into most of the lease is given back, so that nobody else expands it meanwhile.
  const until = performance.now() + 0.6 * deps.lease_ms;
  const { channel, scope } = opened;
  let applied = 0;
  for await (const part of readParts(scope, channel, bodies)) {
    applied += await expandTogether(scope, deps, channel, part);
    const left = bodies.slice(bodies.findLastIndex(({ id }) => id === part.at(-1)?.body.id) + 1);
    if (left.length > 0 && performance.now() > until) {
      await giveBack(ctx, left);
      break;
    }
  }
  return applied;
}

/**
 * Those that can be read, in parts of one transaction each; the others are put aside. A body is read when its turn comes, for
 * what many tell takes many times their bytes.
 */
async function* readParts(scope: Scope, channel: ChannelsRow, bodies: ClaimedBody[]): AsyncGenerator<ReadBody[]> {
  const credentials = readCredentials(scope, channel);
  let part: ReadBody[] = [];
  for (const body of bodies) {
    const events = readBody(scope, channel, credentials, body);
    if (typeof events === 'string') {
      await giveUp(scope, body, events);
      continue;
    }
    if (part.length > 0 && countEvents(part) + events.length > most_together) {
      yield part;
      part = [];
    }
    part.push({ body, events });
  }
  if (part.length > 0) yield part;
}

const countEvents = (read: ReadBody[]) => read.reduce((sum, { events }) => sum + events.length, 0);

async function giveUp(ctx: Context, body: ClaimedBody, reason: string): Promise<void> {
  await quarantineBody(ctx, body, reason);
  ctx.log.error(
    { account_id: body.account_id, channel_id: body.channel_id, body_id: body.id, reason },
    'inbound.quarantined',
  );
}

/**
 * All events of some bodies in one transaction, and the bodies go with it. Where that fails each body is taken by itself,
 * and where a body fails each event of it, so that one poisoned event holds up no other. The database being away is the
 * bodies' affair: their lease passes.
 */
async function expandTogether(
  scope: Scope,
  deps: InboundDependencies,
  channel: ChannelsRow,
  read: ReadBody[],
): Promise<number> {
  try {
    const results = await inTransaction(scope, (trx) => applyAll(trx, deps, channel, read));
    return tellBodies(scope, channel, read, results);
  } catch (error) {
    if (isDatabaseUnavailable(error) && !isTooMuchAtOnce(error)) throw error;
    scope.log.info({ err: error, channel_id: channel.id, bodies: read.length }, 'inbound.taken_apart');
  }
  const [only] = read;
  if (read.length === 1 && only) return expandPiecemeal(scope, deps, channel, only);
  let applied = 0;
  for (const one of read) applied += await expandTogether(scope, deps, channel, [one]);
  return applied;
}

async function applyAll(
  trx: Scope,
  { public_url }: InboundDependencies,
  channel: ChannelsRow,
  read: ReadBody[],
): Promise<Result[][]> {
  const placed = read.map(({ body, events }) => events.map((event, place) => toPlaced(body, place, event)));
  const outcomes = await applyEvents(trx, public_url, channel, placed.flat());
  const results = placed.map((of_body) => of_body.map(({ event, place }) => toResult(event, outcomes.get(place))));
  await finishBodies(
    trx,
    read.map(({ body }) => body),
    read.flatMap(({ body, events }, index) => keptOf(trx, body, events, results[index] ?? [])),
  );
  return results;
}

async function expandPiecemeal(
  scope: Scope,
  deps: InboundDependencies,
  channel: ChannelsRow,
  { body, events }: ReadBody,
): Promise<number> {
  const results: Result[] = [];
  for (const [place, event] of events.entries())
    results.push(await applyOne(scope, deps, channel, toPlaced(body, place, event)));
  await finishBodies(scope, [body], keptOf(scope, body, events, results));
  return tellBodies(scope, channel, [{ body, events }], [results]);
}

export interface Result {
  outcome: string;
  /** Why it is to be tried again. */
  retry: string | null;
}

function toResult(event: InboundEvent, outcome: Outcome | undefined): Result {
  if (event.kind === 'ignored') return { outcome: `ignored_${event.reason}`, retry: null };
  const is_missing = outcome === 'not_found';
  return { outcome: outcome ?? 'dropped', retry: is_missing ? 'no message of ours is known by this id yet' : null };
}

/** In a transaction of its own. The database being away is thrown. */
export async function applyOne(
  scope: Scope,
  { public_url }: InboundDependencies,
  channel: ChannelsRow,
  placed: Placed,
): Promise<Result> {
  const { event, place } = placed;
  if (event.kind === 'ignored') return toResult(event, undefined);
  try {
    const outcomes = await inTransaction(scope, (trx) => applyEvents(trx, public_url, channel, [placed]));
    return toResult(event, outcomes.get(place));
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    scope.log.warn(
      { err: error, account_id: scope.account_id, channel_id: channel.id, kind: event.kind },
      'inbound.not_applied',
    );
    return { outcome: 'failed', retry: messageOf(error) };
  }
}

/** Ids of what a body makes: the same however often it is expanded. */
export function toPlaced(body: { id: string; received_at: Date }, place: number, event: InboundEvent): Placed {
  const at = 'at' in event ? event.at : body.received_at;
  return { event, place: { message_id: messageIdOf(body.id, place, at), received_at: body.received_at } };
}

function keptOf(scope: Scope, body: ClaimedBody, events: InboundEvent[], results: Result[]): KeptItem[] {
  return events.flatMap((event, place) => {
    const reason = results[place]?.retry ?? null;
    if (reason === null) return [];
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
  });
}

/** One line per body: what became of its events, and nothing of what they say. Returns how many had an effect. */
function tellBodies(ctx: Context, channel: ChannelsRow, read: ReadBody[], results: Result[][]): number {
  let applied = 0;
  for (const [index, { body }] of read.entries()) {
    const counts: Record<string, number> = {};
    for (const { outcome } of results[index] ?? []) counts[outcome] = (counts[outcome] ?? 0) + 1;
    applied += counts.applied ?? 0;
    const { account_id, id: body_id, attempt } = body;
    const { id: channel_id, provider } = channel;
    ctx.log.info({ account_id, channel_id, provider, body_id, attempt, ...counts }, 'inbound.expanded');
  }
  return applied;
}
