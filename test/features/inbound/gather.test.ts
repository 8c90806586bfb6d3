import t from 'tap';
import { gather } from '../../../src/features/inbound/gather.ts';

/** A write that ends when it is told to. */
function heldWrites<R>(answer: (batch: number[]) => R[]) {
  const batches: number[][] = [];
  const ends: (() => void)[] = [];
  const write = async (batch: number[]) => {
    batches.push(batch);
    await new Promise<void>((resolve) => ends.push(resolve));
    return answer(batch);
  };
  return { batches, write, endNext: () => ends.shift()?.() };
}

const bounds = { most: 3, most_bytes: 100, sizeOf: (one: number) => one };
const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('the first goes alone, what comes meanwhile goes together, each gets its own result', async (t) => {
  const { batches, write, endNext } = heldWrites((batch) => batch.map((one) => one * 10));
  const add = gather(write, bounds);
  const results = Promise.all([1, 2, 3, 4, 5].map(add));
  t.same(batches, [[1]]);
  endNext();
  await turn();
  t.same(batches, [[1], [2, 3, 4]], 'at most so many');
  endNext();
  await turn();
  t.same(batches, [[1], [2, 3, 4], [5]]);
  endNext();
  t.same(await results, [10, 20, 30, 40, 50]);
  const late = add(6);
  t.same(batches.at(-1), [6], 'and begins again');
  endNext();
  t.equal(await late, 60);
});

t.test('at most so many bytes; what is larger than that goes alone', async (t) => {
  const { batches, write, endNext } = heldWrites((batch) => batch);
  const add = gather(write, bounds);
  const results = Promise.all([1, 60, 40, 1, 500, 2].map(add));
  for (let count = 0; count < 5; count += 1) {
    endNext();
    await turn();
  }
  t.same(batches, [[1], [60, 40], [1], [500], [2]]);
  t.same(await results, [1, 60, 40, 1, 500, 2]);
});

t.test('an error is that of those who were written together, and of nobody else', async (t) => {
  const { write, endNext } = heldWrites((batch) => {
    if (batch.includes(2)) throw new Error('away');
    return batch;
  });
  const add = gather(write, bounds);
  const results = Promise.allSettled([1, 2, 3].map(add));
  endNext();
  await turn();
  endNext();
  t.same(
    (await results).map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  );
  const after = add(4);
  endNext();
  t.equal(await after, 4);
});
