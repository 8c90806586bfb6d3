import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { createFinisher } from '../../src/lanes/finisher.ts';
import { eventually } from '../support/service.ts';

const gone = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

/** A finisher whose writes wait for the test, or fail as it says. */
function createBench(fails: (batch: number[]) => Error | null = () => null) {
  const batches: number[][] = [];
  const written: number[] = [];
  const done: number[] = [];
  const errors: unknown[] = [];
  const stop = new AbortController();
  let let_go: (() => void) | undefined;
  let is_held = false;
  const finish = createFinisher<number>({
    write: async (batch) => {
      batches.push(batch);
      if (is_held) await new Promise<void>((resolve) => (let_go = resolve));
      const error = fails(batch);
      if (error) throw error;
      written.push(...batch);
    },
    onDone: (count) => done.push(count),
    onError: (error) => errors.push(error),
    signal: stop.signal,
  });
  return {
    finish,
    batches,
    written,
    done,
    errors,
    stop,
    hold: () => {
      is_held = true;
    },
    release: () => {
      is_held = false;
      let_go?.();
    },
  };
}

const finished = (bench: ReturnType<typeof createBench>, count: number) =>
  eventually(
    async () => bench.done.reduce((sum, one) => sum + one, 0),
    (sum) => sum === count,
  );

t.test('createFinisher', async (t) => {
  t.test('what comes in together is written together, what comes meanwhile in the next batch', async (t) => {
    const bench = createBench();
    bench.hold();
    for (const one of [1, 2, 3]) bench.finish(one);
    await eventually(
      async () => bench.batches.length,
      (count) => count === 1,
    );
    for (const one of [4, 5]) bench.finish(one);
    await nextTurn();
    t.same(bench.batches, [[1, 2, 3]], 'one batch at a time');
    bench.release();
    await finished(bench, 5);
    t.same(bench.batches, [
      [1, 2, 3],
      [4, 5],
    ]);
    t.same(bench.done, [3, 2]);
  });

  t.test('a batch has a hundred outcomes at most', async (t) => {
    const bench = createBench();
    for (let one = 0; one < 250; one += 1) bench.finish(one);
    await finished(bench, 250);
    t.same(
      bench.batches.map((batch) => batch.length),
      [100, 100, 50],
    );
  });

  t.test('one outcome that cannot be written is given up and holds up no other', async (t) => {
    const bench = createBench((batch) => (batch.includes(2) ? new Error('poison') : null));
    for (const one of [1, 2, 3]) bench.finish(one);
    await finished(bench, 3);
    t.same(bench.written, [1, 3]);
    t.equal(bench.errors.length, 2, 'said of the batch and of the one');
    bench.finish(4);
    await finished(bench, 4);
    t.same(bench.written, [1, 3, 4], 'and it goes on');
  });

  t.test('a database that is away is waited for: nothing is given up', async (t) => {
    let is_away = true;
    const bench = createBench(() => (is_away ? gone() : null));
    bench.finish(1);
    await eventually(
      async () => bench.errors.length,
      (count) => count >= 2,
    );
    t.same(bench.done, []);
    is_away = false;
    await finished(bench, 1);
    t.same(bench.written, [1]);
  });

  t.test('until the process ends', async (t) => {
    const bench = createBench(gone);
    bench.finish(1);
    await eventually(
      async () => bench.errors.length,
      (count) => count >= 1,
    );
    bench.stop.abort();
    await finished(bench, 1);
    t.same(bench.written, []);
  });
});
