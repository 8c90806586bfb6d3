import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { isDatabaseUnavailable } from '../db/pg-errors.ts';
import type { Lane } from './lane.ts';

/** What time alone makes due, and what may be late: old rows to be dropped. */
export interface Upkeep {
  name: string;
  every_ms: number;
  /** Does a bounded piece and returns how many rows it was; more than none, and it is called again at once. Its signal is the stop. */
  run: (ctx: Context) => Promise<number>;
}

/** Runs it every so often until stopped, in each process; errors are logged and wait for the next time. */
export function startUpkeep(ctx: Context, { name, every_ms, run }: Upkeep): Lane {
  const log = ctx.log.child({ lane: name });
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, ctx.signal]);

  async function runAll(): Promise<void> {
    let total = 0;
    for (let rows = 1; rows > 0 && !signal.aborted; total += rows) rows = await run({ ...ctx, log, signal });
    if (total > 0) log.info({ rows: total }, 'upkeep.done');
  }

  async function repeat(): Promise<void> {
    while (!signal.aborted) {
      await runAll().catch((error: unknown) =>
        log[isDatabaseUnavailable(error) ? 'warn' : 'error']({ err: error, step: 'upkeep' }, 'lane.failed'),
      );
      await delay(every_ms, undefined, { signal }).catch(() => undefined);
    }
  }

  const ended = repeat();
  return {
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}
