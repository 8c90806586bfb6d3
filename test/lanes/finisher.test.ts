import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { createFinisher } from '../../src/lanes/finisher.ts';
import { eventually } from '../support/service.ts';

const gone = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
/** As PostgreSQL says it after `lock_timeout`. */
const locked = () => Object.assign(new Error('canceling statement'), { code: '55P03', severity: 'ERROR' });
/** Numbers of the same ten are one account's. */
const accountOf = (one: number) => String(Math.floor(one / 10));

/** A finisher whose writes wait for the test, or fail as it says. */
function createBench(fails: (batch: number[]) => Error | null | Promise<Error | null> = () => null) {
  const batches: number[][] = [];
  const written: number[] = [];
  const done: number[] = [];
  const errors: unknown[] = [];
  const put_back: number[] = [];
  const stop = new AbortController();
  let let_go: (() => void) | undefined;
  let is_held = false;
  const finish = createFinisher<number>({
    write: async (batch) => {
      batches.push(batch);
      if (is_held) await new Promise<void>((resolve) => (let_go = resolve));
      const error = await fails(batch);
      if (error) throw error;
      written.push(...batch);
    },
    accountOf,
    onDone: (count) => done.push(count),
    onError: (error) => errors.push(error),
    onPutBack: (_, one) => put_back.push(one),
    signal: stop.signal,
  });
  return {
    finish,
    batches,
    written,
    done,
    errors,
    put_back,
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

  t.test('who waits for a lock waits alone, and is written when it is free', async (t) => {
    let is_locked = true;
    const bench = createBench((batch) => (is_locked && batch.includes(11) ? locked() : null));
    for (const one of [1, 11, 12, 21]) bench.finish(one);
    await finished(bench, 3);
    t.same(bench.written.toSorted(), [1, 12, 21], 'the others of its batch');
    await eventually(
      async () => bench.put_back.length,
      (count) => count >= 2,
    );
    bench.finish(13);
    bench.finish(2);
    await finished(bench, 5);
    t.same(bench.written.toSorted(), [1, 12, 13, 2, 21].toSorted(), 'and what comes later');
    t.same([...new Set(bench.put_back)], [11], 'it is tried again and again');
    is_locked = false;
    await finished(bench, 6);
    t.equal(bench.written.at(-1), 11);
    t.equal(bench.written.length, 6, 'each once');
  });

  t.test('a batch is divided by account, and only what an account has one by one', async (t) => {
    const bench = createBench((batch) => (batch.some((one) => one >= 10 && one < 20) ? locked() : null));
    for (const one of [1, 11, 2, 12, 21, 22]) bench.finish(one);
    await finished(bench, 4);
    await eventually(
      async () => bench.put_back.length,
      (count) => count >= 2,
    );
    t.same(bench.batches.slice(0, 6), [[1, 11, 2, 12, 21, 22], [1, 2], [11, 12], [21, 22], [11], [12]]);
    bench.stop.abort();
    await finished(bench, 6);
  });

  t.test('however many wait for locks, batches are written meanwhile', async (t) => {
    let free: () => void = () => undefined;
    const freed = new Promise<null>((resolve) => {
      free = () => resolve(null);
    });
    let waiting = 0;
    // A batch with one of theirs fails at once; alone it waits, as a statement does.
    const bench = createBench((batch) => {
      if (!batch.some((one) => one >= 50)) return null;
      if (batch.length > 1) return locked();
      waiting += 1;
      return freed;
    });
    for (let one = 50; one < 60; one += 1) bench.finish(one);
    await eventually(
      async () => waiting,
      (count) => count === 3,
    );
    for (const one of [1, 2, 3]) bench.finish(one);
    await finished(bench, 3);
    t.same(bench.written, [1, 2, 3]);
    t.equal(waiting, 3, 'with so many connections and no more');
    free();
    await finished(bench, 13);
  });

  t.test('what may be free comes before what was found locked', async (t) => {
    const waiting: ((error: Error | null) => void)[] = [];
    let is_waited_for = false;
    const bench = createBench((batch) => {
      if (batch.length > 1) return locked();
      if ((batch[0] ?? 0) < 50) return null;
      return is_waited_for ? new Promise((resolve) => waiting.push(resolve)) : locked();
    });
    for (let one = 50; one < 60; one += 1) bench.finish(one);
    await eventually(
      async () => bench.put_back.length,
      (count) => count === 10,
    );
    is_waited_for = true;
    await eventually(
      async () => waiting.length,
      (count) => count === 3,
    );
    for (const one of [1, 2, 3]) bench.finish(one);
    await eventually(
      async () => bench.batches.at(-1)?.length,
      (length) => length === 3,
    );
    const tried = bench.batches.length;
    waiting[0]?.(locked());
    await finished(bench, 3);
    t.same(bench.batches.slice(tried, tried + 3), [[1], [2], [3]]);
    is_waited_for = false;
    bench.stop.abort();
    for (const end of waiting) end(null);
    await finished(bench, 13);
  });

  t.test('waiting for a lock ends with the process, too', async (t) => {
    const bench = createBench((batch) => (batch.includes(11) ? locked() : null));
    for (const one of [1, 11]) bench.finish(one);
    await eventually(
      async () => bench.put_back.length,
      (count) => count >= 1,
    );
    t.same(bench.done, [1], 'its place is taken until then');
    bench.stop.abort();
    await finished(bench, 2);
    t.same(bench.written, [1]);
  });
});
