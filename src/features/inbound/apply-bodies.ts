import type { Context, Scope } from '../../context.ts';
import { inTransaction } from '../../context.ts';
import { isDatabaseUnavailable, isTooMuchAtOnce } from '../../db/pg-errors.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { applyEvents } from './apply-event.ts';
import { finishBodies } from './inbound.repository.ts';
import { applyOne, keptOf, type Result, toPlaced, toResult } from './inbound-items.ts';
import type { ReadBody } from './read-body.ts';
import type { Placed } from './to-steps.ts';

/** The lease of the bodies that are applied; each throws when the work is not ours any more. */
export interface BodiesLease {
  /** It begins anew. */
  keep: () => Promise<void>;
  /** The same, where a quarter of it has passed since. */
  keepWhenDue: () => Promise<void>;
}

interface Dependencies {
  public_url: string;
}

/** Events of one transaction: while it runs its locks are held, and no feed of any account passes it. */
const most_together = 500;

/** Of a larger body so many: they may all be of one person, and then each waits for the one before. */
const most_in_slice = 200;

const isLarge = ({ events }: ReadBody) => events.length > most_in_slice;

/** Whether these bodies may go into one transaction. A large one is alone, and is no single transaction. */
export function goTogether(read: ReadBody[]): boolean {
  const events = read.reduce((sum, one) => sum + one.events.length, 0);
  return read.length === 1 || (events <= most_together && !read.some(isLarge));
}

/** Events of a body in their order: all of them, or a slice. */
interface Slice {
  read: ReadBody;
  placed: Placed[];
  /** What became of those before it. */
  before: Result[];
}

/**
 * Applies bodies that go together, in one transaction, or a large one in slices, and the bodies go with it; returns how many events
 * had an effect. `lease` is kept between slices, and between events where they are taken apart; an error of it ends the work there,
 * and a repeat has no second effect.
 */
export async function applyBodies(
  scope: Scope,
  deps: Dependencies,
  channel: ChannelsRow,
  read: ReadBody[],
  lease: BodiesLease,
): Promise<number> {
  const [one] = read;
  const results =
    one && isLarge(one)
      ? await applyInSlices(scope, deps, channel, one, lease)
      : await applyTogether(
          scope,
          deps,
          channel,
          read.map((each) => toSlice(each, [], each.events.length)),
          lease,
        );
  return results.filter(({ outcome }) => outcome === 'applied').length;
}

async function applyInSlices(
  scope: Scope,
  deps: Dependencies,
  channel: ChannelsRow,
  read: ReadBody,
  lease: BodiesLease,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let next = 0; next < read.events.length; next += most_in_slice) {
    if (next > 0) await lease.keep();
    results.push(...(await applyTogether(scope, deps, channel, [toSlice(read, results, most_in_slice)], lease)));
  }
  return results;
}

function toSlice(read: ReadBody, before: Result[], most: number): Slice {
  const events = read.events.slice(before.length, before.length + most);
  const placed = events.map((event, index) => toPlaced(read.body, before.length + index, event));
  return { read, placed, before: [...before] };
}

/**
 * All events of some slices in one transaction. Where that fails each slice is taken by itself, and where that fails each event of
 * it, so that one poisoned event holds up no other. The database being away is the bodies' affair: their lease passes.
 */
async function applyTogether(
  scope: Scope,
  deps: Dependencies,
  channel: ChannelsRow,
  slices: Slice[],
  lease: BodiesLease,
): Promise<Result[]> {
  try {
    const results = await inTransaction(scope, (trx) => applyAll(trx, deps, channel, slices));
    tellEnded(scope, channel, endedOf(slices, results));
    return results.flat();
  } catch (error) {
    if (isDatabaseUnavailable(error) && !isTooMuchAtOnce(error)) throw error;
    scope.log.info({ err: error, channel_id: channel.id, bodies: slices.length }, 'inbound.taken_apart');
  }
  const [only] = slices;
  if (slices.length === 1 && only) return applyPiecemeal(scope, deps, channel, only, lease);
  const results: Result[] = [];
  for (const one of slices) {
    await lease.keepWhenDue();
    results.push(...(await applyTogether(scope, deps, channel, [one], lease)));
  }
  return results;
}

async function applyAll(
  trx: Scope,
  { public_url }: Dependencies,
  channel: ChannelsRow,
  slices: Slice[],
): Promise<Result[][]> {
  const outcomes = await applyEvents(
    trx,
    public_url,
    channel,
    slices.flatMap(({ placed }) => placed),
  );
  const results = slices.map(({ placed }) => placed.map(({ event, place }) => toResult(event, outcomes.get(place))));
  await finish(trx, endedOf(slices, results));
  return results;
}

async function applyPiecemeal(
  scope: Scope,
  deps: Dependencies,
  channel: ChannelsRow,
  slice: Slice,
  lease: BodiesLease,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const placed of slice.placed) {
    await lease.keepWhenDue();
    results.push(await applyOne(scope, deps, channel, placed));
  }
  const ended = endedOf([slice], [results]);
  await finish(scope, ended);
  tellEnded(scope, channel, ended);
  return results;
}

/** A body with a result for each of its events. */
interface Ended {
  read: ReadBody;
  results: Result[];
}

/** The bodies that end with these slices. */
function endedOf(slices: Slice[], results: Result[][]): Ended[] {
  return slices.flatMap(({ read, before }, index) => {
    const all = [...before, ...(results[index] ?? [])];
    return all.length === read.events.length ? { read, results: all } : [];
  });
}

async function finish(scope: Scope, ended: Ended[]): Promise<void> {
  if (ended.length === 0) return;
  await finishBodies(
    scope,
    ended.map(({ read }) => read.body),
    ended.flatMap(({ read, results }) => keptOf(scope, read, results)),
  );
}

/** One line per body: what became of its events, and nothing of what they say. */
function tellEnded(ctx: Context, { id: channel_id, provider }: ChannelsRow, ended: Ended[]): void {
  for (const { read, results } of ended) {
    const counts: Record<string, number> = {};
    for (const { outcome } of results) counts[outcome] = (counts[outcome] ?? 0) + 1;
    const { account_id, id: body_id, attempt } = read.body;
    ctx.log.info({ account_id, channel_id, provider, body_id, attempt, ...counts }, 'inbound.expanded');
  }
}
