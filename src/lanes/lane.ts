import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { isDatabaseUnavailable } from '../db/pg-errors.ts';
import { createFinisher } from './finisher.ts';
import type { Wake } from './wake.ts';

/** Work that waits in a domain table. The engine knows when to claim, run, finish and sweep; the work knows its rows. */
export interface LaneWork<Item, Outcome> {
  name: string;
  /** True where the end of one item makes another due, as among those of one channel. */
  is_chained?: boolean;
  /**
   * Takes at most `free` due items under a lease and a fence, in one transaction. `again_in_ms`: more is due then; 0 where more
   * may be due already, null where nothing is until the lane is called or polls.
   */
  claim: (ctx: Context, free: number) => Promise<{ items: Item[]; again_in_ms: number | null }>;
  /**
   * Outside of any transaction, with no connection held. Must not throw for anything the outside does. `isStopping`: what has not
   * begun by now should not, for it would be cut off.
   */
  run: (ctx: Context, item: Item, isStopping: () => boolean) => Promise<Outcome>;
  /**
   * Writes outcomes that came in together, guarded by their fences, in one transaction; of different outcomes several run at once, in
   * any order.
   */
  finish: (ctx: Context, finished: Finished<Item, Outcome>[]) => Promise<void>;
  /** The account of an item: where one's rows are locked, the outcomes of others are written without it. */
  accountOf?: (item: Item) => string;
  /** Looks for expired leases and whatever else time alone decides. */
  sweep: (ctx: Context) => Promise<void>;
}

export interface Finished<Item, Outcome> {
  item: Item;
  outcome: Outcome;
}

export interface LaneOptions {
  /** How many items are in the air at once: the backpressure of this process. */
  slots: number;
  poll_ms: number;
  /**
   * While something is in the air, so long from one claim to the next: what becomes due meanwhile is taken together. A lane
   * with nothing in the air claims at once. Default 0.
   */
  claim_gap_ms?: number;
  /** The same while nothing is in the air, for a lane that is called although there may be nothing for it. Default 0. */
  idle_gap_ms?: number;
  sweep_ms: number;
  /** How long `stop` waits for what is in the air. */
  stop_within_ms: number;
  wake: Wake;
}

export interface Lane {
  /** No new claims; resolves when what is in the air is finished and written, or the time is up. */
  stop: () => Promise<void>;
}

/** Runs the work until stopped. Errors are logged and never end the lane; the database being away slows it to its polls. */
export function startLane<Item, Outcome>(ctx: Context, work: LaneWork<Item, Outcome>, options: LaneOptions): Lane {
  const log = ctx.log.child({ lane: work.name });
  const lane_ctx = { ...ctx, log };
  const state = {
    in_air: 0,
    is_stopping: false,
    is_claiming: false,
    is_called: false,
    is_sweeping: false,
    claimed_at: Number.NEGATIVE_INFINITY,
  };
  let timer: NodeJS.Timeout | undefined;

  const report = (step: string, error: unknown) =>
    log[isDatabaseUnavailable(error) ? 'warn' : 'error']({ err: error, step }, 'lane.failed');
  const release = (count: number) => {
    state.in_air -= count;
    // Still called: the last claim left something for want of a slot.
    if (work.is_chained || state.is_called) void pump();
  };
  const { accountOf } = work;
  const finish = createFinisher<Finished<Item, Outcome>>({
    write: (batch) => work.finish(lane_ctx, batch),
    accountOf: accountOf && (({ item }) => accountOf(item)),
    onDone: release,
    onError: (error) => report('finish', error),
    onPutBack: (error, { item }) => log.warn({ err: error, account_id: accountOf?.(item) }, 'lane.put_back'),
    signal: ctx.signal,
  });

  /** An error here leaves the item to its lease: the sweep will say that nothing is known of it. */
  async function runItem(item: Item): Promise<void> {
    try {
      finish({ item, outcome: await work.run(lane_ctx, item, () => state.is_stopping) });
    } catch (error) {
      report('run', error);
      release(1);
    }
  }

  const { claim_gap_ms = 0, idle_gap_ms = 0 } = options;
  const restBeforeClaim = () => state.claimed_at + (state.in_air > 0 ? claim_gap_ms : idle_gap_ms) - performance.now();

  async function claimOnce(): Promise<number | null> {
    state.is_called = false;
    state.claimed_at = performance.now();
    try {
      const { items, again_in_ms } = await work.claim(lane_ctx, options.slots - state.in_air);
      state.in_air += items.length;
      for (const item of items) void runItem(item);
      if (again_in_ms === 0) state.is_called = true;
      return again_in_ms;
    } catch (error) {
      report('claim', error);
      return null;
    }
  }

  /** One claim at a time; called again while it claims, it claims once more. */
  async function pump(): Promise<void> {
    state.is_called = true;
    if (state.is_claiming) return;
    state.is_claiming = true;
    let again_in_ms: number | null = null;
    while (state.is_called && !state.is_stopping && state.in_air < options.slots) {
      const rest_ms = restBeforeClaim();
      if (rest_ms > 0) await delay(rest_ms);
      if (!state.is_stopping) again_in_ms = await claimOnce();
    }
    state.is_claiming = false;
    clearTimeout(timer);
    if (!state.is_stopping) timer = setTimeout(pump, Math.min(again_in_ms ?? options.poll_ms, options.poll_ms));
  }

  /** A slow sweep is not joined by a second one. */
  async function sweep(): Promise<void> {
    if (state.is_sweeping) return;
    state.is_sweeping = true;
    await work.sweep(lane_ctx).catch((error: unknown) => report('sweep', error));
    state.is_sweeping = false;
  }

  const sweeper = setInterval(sweep, options.sweep_ms);
  const unlisten = options.wake.listen(work.name, () => void pump());
  void pump();

  return {
    stop: async () => {
      state.is_stopping = true;
      clearTimeout(timer);
      clearInterval(sweeper);
      unlisten();
      const deadline = performance.now() + options.stop_within_ms;
      while ((state.in_air > 0 || state.is_claiming || state.is_sweeping) && performance.now() < deadline)
        await delay(10);
      if (state.in_air > 0) log.warn({ in_air: state.in_air }, 'lane.stopped_with_items_in_the_air');
    },
  };
}
