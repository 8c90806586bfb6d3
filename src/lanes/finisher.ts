import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { isDatabaseUnavailable } from '../db/pg-errors.ts';

const most_together = 100;
const retry_ms = 500;

interface FinisherOptions<T> {
  /** Writes a batch in one transaction. */
  write: (batch: T[]) => Promise<void>;
  /** After each batch, written or given up. */
  onDone: (count: number) => void;
  onError: (error: unknown) => void;
  /** Ends the waiting for a database that is away. */
  signal: AbortSignal;
}

/**
 * Takes outcomes one by one and writes them in batches, one batch at a time: what arrives while one is written goes into
 * the next. An outcome is known here and nowhere else, so a database that is away is waited for; one outcome that cannot
 * be written is logged and given up (its lease will pass), and holds up no other.
 */
export function createFinisher<T>(options: FinisherOptions<T>): (one: T) => void {
  const waiting: T[] = [];
  let is_writing = false;

  async function drain(): Promise<void> {
    is_writing = true;
    // What arrives in this turn of the event loop is written together.
    await nextTurn();
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most_together);
      await writeAll(batch, options);
      options.onDone(batch.length);
    }
    // In the same turn as the look at `waiting`: nothing slips in between.
    is_writing = false;
  }

  return (one) => {
    waiting.push(one);
    if (!is_writing) void drain();
  };
}

async function writeAll<T>(batch: T[], options: FinisherOptions<T>): Promise<void> {
  const is_written = await writeOnceThere(batch, options);
  if (is_written || batch.length === 1) return;
  for (const one of batch) await writeOnceThere([one], options);
}

/** False when this batch cannot be written whatever one waits, or when waiting was ended. */
async function writeOnceThere<T>(batch: T[], { write, onError, signal }: FinisherOptions<T>): Promise<boolean> {
  for (;;) {
    try {
      await write(batch);
      return true;
    } catch (error) {
      onError(error);
      if (!isDatabaseUnavailable(error) || signal.aborted) return false;
      await delay(retry_ms, undefined, { signal }).catch(() => undefined);
    }
  }
}
