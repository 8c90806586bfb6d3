import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { isDatabaseUnavailable, isTooMuchAtOnce } from '../db/pg-errors.ts';

const most_together = 100;
/** Writers beside that of the batches: each may wait for a lock, with a connection of the pool. */
const most_apart = 3;
const retry_ms = 500;

interface FinisherOptions<T> {
  /** Writes a batch in one transaction. */
  write: (batch: T[]) => Promise<void>;
  /** Whose it is: what cannot be written together is divided by this first. Absent: all are of one account. */
  accountOf?: ((one: T) => string) | undefined;
  /** After each part of a batch, written or given up. */
  onDone: (count: number) => void;
  onError: (error: unknown) => void;
  /** One that waits for a lock will be tried again. */
  onPutBack: (error: unknown, one: T) => void;
  /** Ends the waiting for a database that is away, and for locks. */
  signal: AbortSignal;
}

/** Outcomes that are written together, and how often they failed. */
interface Part<T> {
  outcomes: T[];
  failures: number;
}

/**
 * Takes outcomes one by one and writes them in batches, one batch at a time: what arrives while one is written goes into
 * the next. An outcome is known here and nowhere else, so a database that is away is waited for. A batch that fails for
 * another reason is divided, by account and then one by one, and written beside those that follow; so order is not kept,
 * fences see to that. One that waits for a lock is tried again and again, one that cannot be written is logged and given
 * up (its lease will pass), and neither holds up any other.
 */
export function createFinisher<T>(options: FinisherOptions<T>): (one: T) => void {
  const { accountOf = () => '', onDone, onError, onPutBack, signal } = options;
  const waiting: T[] = [];
  const apart: Part<T>[] = [];
  let is_writing = false;
  let writers_apart = 0;

  async function drain(): Promise<void> {
    is_writing = true;
    // What arrives in this turn of the event loop is written together.
    await nextTurn();
    while (waiting.length > 0) await writePart({ outcomes: waiting.splice(0, most_together), failures: 0 });
    // In the same turn as the look at `waiting`: nothing slips in between.
    is_writing = false;
  }

  async function writePart({ outcomes, failures }: Part<T>): Promise<void> {
    const error = await writeOnceThere(outcomes, options);
    const [first] = outcomes;
    if (error === undefined || first === undefined) return onDone(outcomes.length);
    if (outcomes.length === 1 && isTooMuchAtOnce(error) && !signal.aborted) {
      onPutBack(error, first);
      void delay(retry_ms, undefined, { signal })
        .catch(() => undefined)
        .then(() => writeApart([{ outcomes, failures: failures + 1 }]));
      return;
    }
    onError(error);
    if (outcomes.length === 1) onDone(1);
    else writeApart(divide(outcomes, accountOf).map((part) => ({ outcomes: part, failures: failures + 1 })));
  }

  function writeApart(parts: Part<T>[]): void {
    apart.push(...parts);
    while (writers_apart < most_apart && apart.length > 0) void drainApart();
  }

  async function drainApart(): Promise<void> {
    writers_apart += 1;
    for (let part = takeNext(apart); part; part = takeNext(apart)) await writePart(part);
    writers_apart -= 1;
  }

  return (one) => {
    waiting.push(one);
    if (!is_writing) void drain();
  };
}

/** What several accounts have by account; what one has one by one. */
function divide<T>(outcomes: T[], accountOf: (one: T) => string): T[][] {
  const by_account = new Map<string, T[]>();
  for (const one of outcomes) by_account.set(accountOf(one), [...(by_account.get(accountOf(one)) ?? []), one]);
  return by_account.size > 1 ? [...by_account.values()] : outcomes.map((one) => [one]);
}

/** That which failed the least, so that what waits for a lock comes behind all that may not. */
function takeNext<T>(parts: Part<T>[]): Part<T> | undefined {
  const least = Math.min(...parts.map(({ failures }) => failures));
  const place = parts.findIndex(({ failures }) => failures === least);
  return place === -1 ? undefined : parts.splice(place, 1)[0];
}

/** Undefined once it is written; else why it cannot be, whatever one waits, or not together, or now that waiting was ended. */
async function writeOnceThere<T>(batch: T[], { write, onError, signal }: FinisherOptions<T>): Promise<unknown> {
  for (;;) {
    try {
      await write(batch);
      return undefined;
    } catch (error) {
      if (!isDatabaseUnavailable(error) || isTooMuchAtOnce(error) || signal.aborted) return error;
      onError(error);
      await delay(retry_ms, undefined, { signal }).catch(() => undefined);
    }
  }
}
