import t from 'tap';
import { gather, gatherEach } from '../../src/db/gather.ts';

/** A call that ends when it is told to, and what it was called with. */
function heldCall<T, R>(answer: (one: T) => R) {
  const calls: { batch: T[]; end: () => void; fail: (error: Error) => void }[] = [];
  const call = (batch: T[]) =>
    new Promise<R[]>((resolve, reject) => {
      calls.push({ batch, end: () => resolve(batch.map(answer)), fail: reject });
    });
  return { calls, call };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const turns = async () => {
  for (let one = 0; one < 3; one += 1) await turn();
};

t.test('gather: what comes in one turn goes together, what comes meanwhile with the next call', async (t) => {
  const { calls, call } = heldCall((one: number) => one * 10);
  const ask = gather(call, { most: 3, at_once: 1 });
  const first = [1, 2].map(ask);
  await turns();
  const second = [3, 4, 5, 6].map(ask);
  await turns();
  t.same(
    calls.map(({ batch }) => batch),
    [[1, 2]],
    'one call at a time',
  );
  calls[0]?.end();
  t.same(await Promise.all(first), [10, 20], 'each has its own answer');
  await turns();
  t.same(calls[1]?.batch, [3, 4, 5], 'at most three');
  calls[1]?.end();
  await turns();
  calls[2]?.end();
  t.same(await Promise.all(second), [30, 40, 50, 60]);
});

t.test('gather: at most so much; what is larger than that goes alone', async (t) => {
  const batches: number[][] = [];
  const ask = gather(
    async (batch: number[]) => {
      batches.push(batch);
      return batch;
    },
    { most: 3, at_once: 1, size: { most: 100, of: (one) => one } },
  );
  const asked = [1, 60, 40, 1, 500, 2, 1, 1, 1];
  t.same(await Promise.all(asked.map(ask)), asked);
  t.same(batches, [[1, 60], [40, 1], [500], [2, 1, 1], [1]]);
});

t.test('gather: so many calls are out at once', async (t) => {
  const { calls, call } = heldCall((one: string) => one);
  const ask = gather(call, { most: 10, at_once: 2 });
  const asked = [ask('a')];
  await turns();
  asked.push(ask('b'));
  await turns();
  asked.push(ask('c'));
  await turns();
  t.same(
    calls.map(({ batch }) => batch),
    [['a'], ['b']],
  );
  for (const { end } of calls) end();
  await turns();
  calls[2]?.end();
  t.same(await Promise.all(asked), ['a', 'b', 'c']);
});

t.test('gather: an error is everybody’s of its call and nobody’s of the next', async (t) => {
  const { calls, call } = heldCall((one: number) => one);
  const ask = gather(call, { most: 10, at_once: 1 });
  const failed = [1, 2].map((one) => ask(one).catch((error: Error) => error.message));
  await turns();
  calls[0]?.fail(new Error('gone'));
  t.same(await Promise.all(failed), ['gone', 'gone']);
  const next = ask(3);
  await turns();
  calls[1]?.end();
  t.equal(await next, 3);
  const short = gather<number, number>(async () => [], { most: 10, at_once: 1 });
  await t.rejects(short(1), { message: '0 results for 1 that were gathered' });
});

t.test('gatherEach: who breaks the batch fails alone, and what is everybody’s is not tried again', async (t) => {
  const called: number[][] = [];
  const write = gatherEach(
    async (batch: number[]) => {
      called.push(batch);
      if (batch.includes(13)) throw new Error('thirteen');
      if (batch.includes(99)) throw new Error('database gone');
    },
    { most: 10, at_once: 1, isShared: (error) => (error as Error).message === 'database gone' },
  );
  const tell = (one: number) =>
    write(one).then(
      () => 'written',
      (error: Error) => error.message,
    );
  t.same(await Promise.all([1, 13, 2].map(tell)), ['written', 'thirteen', 'written']);
  t.same(called, [[1, 13, 2], [1], [13], [2]]);
  called.length = 0;
  t.same(await Promise.all([1, 99].map(tell)), ['database gone', 'database gone']);
  t.same(called, [[1, 99]]);
});
