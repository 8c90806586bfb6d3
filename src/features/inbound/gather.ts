/** How much one call writes at most. */
interface Bounds<T> {
  most: number;
  most_bytes: number;
  sizeOf: (one: T) => number;
}

interface Waiting<T, R> {
  one: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/**
 * Writes together what arrives together: the first goes at once, and what comes while it is written goes with the next
 * call, so that many share a round trip and a commit and one alone waits for nobody. Each is answered when its own call was;
 * an error is everybody's of that call. `write` returns a result for each, in their order.
 */
export function gather<T, R>(write: (batch: T[]) => Promise<R[]>, bounds: Bounds<T>): (one: T) => Promise<R> {
  let waiting: Waiting<T, R>[] = [];
  let is_writing = false;

  async function drain(): Promise<void> {
    is_writing = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, countTogether(waiting, bounds));
      waiting = waiting.slice(batch.length);
      await writeAll(batch, write);
    }
    // In the same turn as the look at `waiting`: nothing slips in between.
    is_writing = false;
  }

  return (one) =>
    new Promise((resolve, reject) => {
      waiting.push({ one, resolve, reject });
      if (!is_writing) void drain();
    });
}

/** At least one, however large. */
function countTogether<T, R>(waiting: Waiting<T, R>[], { most, most_bytes, sizeOf }: Bounds<T>): number {
  let bytes = 0;
  const end = waiting.slice(0, most).findIndex(({ one }, place) => {
    bytes += sizeOf(one);
    return place > 0 && bytes > most_bytes;
  });
  return end === -1 ? Math.min(most, waiting.length) : end;
}

async function writeAll<T, R>(batch: Waiting<T, R>[], write: (batch: T[]) => Promise<R[]>): Promise<void> {
  try {
    const results = await write(batch.map(({ one }) => one));
    for (const [place, { resolve, reject }] of batch.entries()) {
      if (place in results) resolve(results[place] as R);
      else reject(new Error('a write that was gathered has no result'));
    }
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}
