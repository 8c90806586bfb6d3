export interface Turns {
  /** Runs `work` when it is its turn; rejects when `signal` is aborted before. */
  take: <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;
}

/** At most `limit` at the same time, the others in the order they came. */
export function createTurns(limit: number): Turns {
  const waiting = new Set<() => void>();
  let taken = 0;

  const turn = (signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const leave = () => {
        waiting.delete(enter);
        reject(signal.reason);
      };
      const enter = () => {
        waiting.delete(enter);
        signal.removeEventListener('abort', leave);
        taken += 1;
        resolve();
      };
      if (signal.aborted) return leave();
      if (taken < limit) return enter();
      signal.addEventListener('abort', leave, { once: true });
      waiting.add(enter);
    });

  return {
    async take(work, signal) {
      await turn(signal);
      try {
        return await work();
      } finally {
        taken -= 1;
        const [next] = waiting;
        next?.();
      }
    },
  };
}
