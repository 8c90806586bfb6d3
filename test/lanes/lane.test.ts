import pino from 'pino';
import t, { type Test } from 'tap';
import type { Context } from '../../src/context.ts';
import { connect } from '../../src/db/connection.ts';
import { type LaneOptions, type LaneWork, startLane } from '../../src/lanes/lane.ts';
import { createWake } from '../../src/lanes/wake.ts';
import { createDatabase, patience_ms } from '../support/database.ts';
import { eventually } from '../support/service.ts';

const never_ms = 600_000;
const { settings } = await createDatabase(t);
const log = pino({ level: 'silent' });
const db = connect(settings, { pool_max: 2, application_name: 'conversar test', log, acquire_timeout_ms: patience_ms });
const wake = createWake(settings, log);
t.teardown(async () => {
  await wake.close();
  await db.destroy();
});

type Work = LaneWork<number, string>;

/** A lane over a list of numbers; what it runs waits for the test. */
function startBench(t: Test, name: string, over: Partial<Work> = {}, options: Partial<LaneOptions> = {}) {
  const due: number[] = [];
  const free_asked: number[] = [];
  const running = new Map<number, (outcome: string | Error) => void>();
  const finished: [number, string][] = [];
  let sweeps = 0;
  const work: Work = {
    name,
    claim: async (_, free) => {
      free_asked.push(free);
      return { items: due.splice(0, free), again_in_ms: due.length > 0 ? 0 : null };
    },
    run: (_, item) =>
      new Promise((resolve, reject) => {
        running.set(item, (outcome) => {
          running.delete(item);
          if (typeof outcome === 'string') resolve(outcome);
          else reject(outcome);
        });
      }),
    finish: async (_, batch) => {
      for (const { item, outcome } of batch) finished.push([item, outcome]);
    },
    sweep: async () => {
      sweeps += 1;
    },
    ...over,
  };
  const ctx: Context = { db, log, now: () => new Date(), signal: new AbortController().signal };
  const times = { poll_ms: never_ms, sweep_ms: never_ms, stop_within_ms: 5_000 };
  const lane = startLane(ctx, work, { slots: 3, ...times, wake, ...options });
  t.teardown(async () => {
    for (const end of running.values()) end('ended');
    await lane.stop();
  });
  const runs = (...items: number[]) =>
    eventually(
      async () => [...running.keys()],
      (keys) => keys.length === items.length && items.every((item) => keys.includes(item)),
    );
  const hasFinished = (count: number) =>
    eventually(
      async () => finished.length,
      (length) => length === count,
    );
  return { due, free_asked, running, finished, sweeps: () => sweeps, lane, runs, hasFinished };
}

t.test('startLane', async (t) => {
  t.test('takes as many items as there are free slots, and more when some are finished', async (t) => {
    const bench = startBench(t, 'slots');
    bench.due.push(1, 2, 3, 4, 5);
    wake.call('slots');
    await bench.runs(1, 2, 3);
    t.ok(
      bench.free_asked.every((free) => free <= 3),
      'never asks for more',
    );
    bench.running.get(2)?.('done');
    await bench.runs(1, 3, 4);
    t.same(bench.finished, [[2, 'done']], 'a slot is free when its outcome is written');
    t.equal(bench.free_asked.at(-1), 1);
  });

  t.test(
    'the end of an item leads to a claim where items are chained, or something was left for want of a slot',
    async (t) => {
      const bench = startBench(t, 'apart');
      const chained = startBench(t, 'chained', { is_chained: true });
      for (const [one, name] of [
        [bench, 'apart'],
        [chained, 'chained'],
      ] as const) {
        one.due.push(1);
        wake.call(name);
        await one.runs(1);
      }
      const claims = [bench.free_asked.length, chained.free_asked.length];
      for (const one of [bench, chained]) {
        one.running.get(1)?.('done');
        await one.hasFinished(1);
      }
      await eventually(
        async () => chained.free_asked.length,
        (count) => count === (claims[1] ?? 0) + 1,
      );
      t.equal(bench.free_asked.length, claims[0], 'its claim said that nothing else is due');
    },
  );

  t.test(
    'takes together what becomes due while something is in the air, and nothing of that waits for ever',
    async (t) => {
      const bench = startBench(t, 'gap', {}, { claim_gap_ms: 200, slots: 10 });
      bench.due.push(1);
      wake.call('gap');
      await bench.runs(1);
      const claims = bench.free_asked.length;
      for (const item of [2, 3, 4]) {
        bench.due.push(item);
        wake.call('gap');
        await new Promise((resolve) => setImmediate(resolve));
      }
      await bench.runs(1, 2, 3, 4);
      t.ok(bench.free_asked.length <= claims + 2, `${bench.free_asked.length - claims} claims for three`);
    },
  );

  t.test('called over and over for nothing, it claims only so often', async (t) => {
    const bench = startBench(t, 'idle gap', {}, { idle_gap_ms: 200 });
    const began = performance.now();
    while (performance.now() - began < 500) {
      wake.call('idle gap');
      await new Promise((resolve) => setImmediate(resolve));
    }
    const most = 1 + Math.ceil((performance.now() - began) / 200);
    t.ok(bench.free_asked.length <= most, `${bench.free_asked.length} claims, at most ${most}`);
    bench.due.push(1);
    wake.call('idle gap');
    await bench.runs(1);
  });

  t.test('is called at once by its own topic alone', async (t) => {
    const bench = startBench(t, 'topic');
    await eventually(
      async () => bench.free_asked.length,
      (length) => length === 1,
    );
    bench.due.push(1);
    wake.call('another topic');
    t.equal(bench.free_asked.length, 1);
    wake.call('topic');
    await bench.runs(1);
  });

  t.test('polls, for a call may be lost', async (t) => {
    const bench = startBench(t, 'polls', {}, { poll_ms: 20 });
    await eventually(
      async () => bench.free_asked.length,
      (length) => length >= 3,
    );
    bench.due.push(1);
    await bench.runs(1);
  });

  t.test('comes again when the claim says that more is due', async (t) => {
    const again: (number | null)[] = [30, null];
    let claims = 0;
    startBench(t, 'again', {
      claim: async () => {
        claims += 1;
        return { items: [], again_in_ms: again.shift() ?? null };
      },
    });
    await eventually(
      async () => claims,
      (count) => count === 2,
    );
    t.pass('long before its poll');
  });

  t.test('a call during a claim is not lost', async (t) => {
    let release: (() => void) | undefined;
    let claims = 0;
    startBench(t, 'meanwhile', {
      claim: async () => {
        claims += 1;
        if (claims === 1) await new Promise<void>((resolve) => (release = resolve));
        return { items: [], again_in_ms: null };
      },
    });
    wake.call('meanwhile');
    wake.call('meanwhile');
    t.equal(claims, 1, 'one claim at a time');
    release?.();
    await eventually(
      async () => claims,
      (count) => count === 2,
    );
  });

  t.test('goes on after anything that throws', async (t) => {
    let throws: string | null = 'claim';
    const bench = startBench(
      t,
      'throws',
      {
        claim: async () => {
          if (throws === 'claim') throw new Error('claim');
          return { items: bench.due.splice(0, 1), again_in_ms: null };
        },
        finish: async (_, batch) => {
          if (throws === 'finish') throw new Error('finish');
          bench.finished.push(...batch.map(({ item, outcome }): [number, string] => [item, outcome]));
        },
      },
      { poll_ms: 20, slots: 1 },
    );
    bench.due.push(1, 2, 3);
    throws = null;
    await bench.runs(1);
    bench.running.get(1)?.(new Error('run'));
    await bench.runs(2);
    throws = 'finish';
    bench.running.get(2)?.('lost');
    await bench.runs(3);
    throws = null;
    bench.running.get(3)?.('done');
    await bench.hasFinished(1);
    t.same(bench.finished, [[3, 'done']], 'what was lost is left to its lease, its slot is free again');
  });

  t.test('sweeps again and again, after a failure too, and never twice at once', async (t) => {
    let sweeps = 0;
    let at_once = 0;
    let most_at_once = 0;
    const bench = startBench(
      t,
      'sweeps',
      {
        sweep: async () => {
          sweeps += 1;
          at_once += 1;
          most_at_once = Math.max(most_at_once, at_once);
          // Five times as long as the interval.
          await new Promise((resolve) => setTimeout(resolve, 50));
          at_once -= 1;
          if (sweeps === 1) throw new Error('sweep');
        },
      },
      { sweep_ms: 10 },
    );
    await eventually(
      async () => sweeps,
      (count) => count >= 3,
    );
    t.equal(most_at_once, 1);
    await bench.lane.stop();
    t.equal(at_once, 0, 'a stop waits for it');
  });

  t.test('stops: claims nothing more, and waits until what is in the air is written', async (t) => {
    const bench = startBench(t, 'stop', {}, { poll_ms: 20, slots: 1 });
    bench.due.push(1, 2);
    await bench.runs(1);
    let is_stopped = false;
    const stopped = bench.lane.stop().then(() => {
      is_stopped = true;
    });
    const claims = bench.free_asked.length;
    wake.call('stop');
    t.notOk(is_stopped);
    bench.running.get(1)?.('done');
    await stopped;
    t.same(bench.finished, [[1, 'done']]);
    t.same(bench.due, [2]);
    t.equal(bench.free_asked.length, claims);
  });

  t.test('but not for ever', async (t) => {
    const bench = startBench(t, 'stuck', {}, { stop_within_ms: 50 });
    bench.due.push(1);
    wake.call('stuck');
    await bench.runs(1);
    await bench.lane.stop();
    t.same(bench.finished, [], 'it is left to its lease');
  });
});
