import { setImmediate as nextTurn } from 'node:timers/promises';

export interface Gathering<T> {
  /** How many one call takes at most. */
  most: number;
  /** How much one call takes at most, in what `of` counts; one that is larger goes alone. */
  size?: { most: number; of: (one: T) => number };
  /** Calls that are out at the same time: while one waits for its commit, the next one is at work. */
  at_once: number;
}

interface Waiting<T, R> {
  one: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

let in_all = 0;

/** How many wait in this process for a call that is not out yet. */
export const countGathered = (): number => in_all;

/**
 * Asks or writes together what arrives together: what is there by the end of this turn of the event loop goes out at once, and
 * what comes while `at_once` calls are out goes with the next. So many share a round trip and a commit, and one alone waits
 * for nobody. Each is answered when its own call was. `call` returns a result for each, in their order; an error of a call is
 * everybody's in it.
 */
export function gather<T, R>(call: (batch: T[]) => Promise<R[]>, gathering: Gathering<T>): (one: T) => Promise<R> {
  const waiting: Waiting<T, R>[] = [];
  let out = 0;

  async function drain(): Promise<void> {
    out += 1;
    await nextTurn();
    while (waiting.length > 0) {
      const batch = waiting.splice(0, countTogether(waiting, gathering));
      in_all -= batch.length;
      await answerAll(batch, call);
    }
    // In the same turn as the look at `waiting`: nothing slips in between.
    out -= 1;
  }

  return (one) =>
    new Promise((resolve, reject) => {
      waiting.push({ one, resolve, reject });
      in_all += 1;
      if (out < gathering.at_once) void drain();
    });
}

function countTogether<T, R>(waiting: Waiting<T, R>[], { most, size }: Gathering<T>): number {
  const together = waiting.slice(0, most);
  let sum = 0;
  const end = together.findIndex(({ one }, place) => {
    sum += size?.of(one) ?? 0;
    return place > 0 && size !== undefined && sum > size.most;
  });
  return end === -1 ? together.length : end;
}

async function answerAll<T, R>(batch: Waiting<T, R>[], call: (batch: T[]) => Promise<R[]>): Promise<void> {
  try {
    const results = await call(batch.map(({ one }) => one));
    if (results.length !== batch.length)
      throw new Error(`${results.length} results for ${batch.length} that were gathered`);
    for (const [place, { resolve }] of batch.entries()) resolve(results[place] as R);
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}

/** The same for what may fail alone: when a call fails, each of its batch is called by itself and fails or not of its own. */
export function gatherEach<T>(
  call: (batch: T[]) => Promise<void>,
  { isShared, ...gathering }: Gathering<T> & { isShared: (error: unknown) => boolean },
): (one: T) => Promise<void> {
  type Result = { error: unknown } | null;
  const tryOne = (one: T): Promise<Result> =>
    call([one]).then(
      () => null,
      (error: unknown) => ({ error }),
    );
  const gathered = gather<T, Result>(async (batch) => {
    try {
      await call(batch);
      return batch.map(() => null);
    } catch (error) {
      if (batch.length === 1 || isShared(error)) return batch.map(() => ({ error }));
      return Promise.all(batch.map(tryOne));
    }
  }, gathering);
  return async (one) => {
    const result = await gathered(one);
    if (result) throw result.error;
  };
}
