import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'undici';

/** One POST, ready to be sent. */
export interface Shot {
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** What one or more stretches of load came to. */
export interface Sample {
  count: number;
  /** Answers other than 2xx, and none at all. */
  errors: number;
  elapsed_ms: number;
  latencies_ms: number[];
  /** CPU of the program, and of PostgreSQL where it can be had. */
  program_cpu_ms: number;
  database_cpu_ms: number | null;
}

export interface Load {
  /** How many are in the air: the next leaves when one was answered. */
  at_once: number;
  /** Undefined when there are no more. */
  next: () => Shot | undefined;
  /** No new ones after this time. */
  for_ms: number;
  signal: AbortSignal;
}

/** Sends until the time is over or nothing is left, and waits for the last answer. Aborting throws. */
export async function drive(pool: Pick<Pool, 'request'>, { at_once, next, for_ms, signal }: Load): Promise<Sample> {
  const begun_at = performance.now();
  const latencies_ms: number[] = [];
  let errors = 0;
  const isOver = () => signal.aborted || performance.now() - begun_at >= for_ms;
  const sendAll = async () => {
    for (let shot = isOver() ? undefined : next(); shot; shot = isOver() ? undefined : next()) {
      const sent_at = performance.now();
      if (!(await isTaken(pool, shot))) errors += 1;
      latencies_ms.push(performance.now() - sent_at);
    }
  };
  await Promise.all(Array.from({ length: at_once }, sendAll));
  signal.throwIfAborted();
  const elapsed_ms = performance.now() - begun_at;
  return { count: latencies_ms.length, errors, elapsed_ms, latencies_ms, program_cpu_ms: 0, database_cpu_ms: null };
}

async function isTaken(pool: Pick<Pool, 'request'>, { path, headers, body }: Shot): Promise<boolean> {
  try {
    const answer = await pool.request({ method: 'POST', path, headers, body });
    await answer.body.dump();
    return answer.statusCode >= 200 && answer.statusCode < 300;
  } catch {
    return false;
  }
}

/** Who can tell how much CPU was used so far. */
interface Meters {
  readProgramCpu: () => Promise<number>;
  readDatabaseCpu: () => number | null;
}

/** The same sample with the CPU that its time took. */
export async function withCpu(meters: Meters, run: () => Promise<Sample>): Promise<Sample> {
  const program_before = await meters.readProgramCpu();
  const database_before = meters.readDatabaseCpu();
  const sample = await run();
  const database_after = meters.readDatabaseCpu();
  return {
    ...sample,
    program_cpu_ms: (await meters.readProgramCpu()) - program_before,
    database_cpu_ms: database_before === null || database_after === null ? null : database_after - database_before,
  };
}

/** Asks every `poll_ms` until the answer is yes; throws after `within_ms`. */
export async function until(
  isSo: () => Promise<boolean>,
  { poll_ms, within_ms, what, signal }: { poll_ms: number; within_ms: number; what: string; signal: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + within_ms;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${within_ms / 1_000} s: ${what}`);
    await delay(poll_ms, undefined, { signal });
  }
}

/** Several stretches of the same load as one. */
export function join(samples: Sample[]): Sample {
  const sum = (read: (sample: Sample) => number) => samples.reduce((total, sample) => total + read(sample), 0);
  const is_told = samples.every(({ database_cpu_ms }) => database_cpu_ms !== null);
  return {
    count: sum(({ count }) => count),
    errors: sum(({ errors }) => errors),
    elapsed_ms: sum(({ elapsed_ms }) => elapsed_ms),
    latencies_ms: samples.flatMap(({ latencies_ms }) => latencies_ms),
    program_cpu_ms: sum(({ program_cpu_ms }) => program_cpu_ms),
    database_cpu_ms: is_told ? sum(({ database_cpu_ms }) => database_cpu_ms ?? 0) : null,
  };
}

export type Figures = ReturnType<typeof toFigures>;

/** A sample as it is written down. */
export function toFigures(sample: Sample) {
  const { count, errors, elapsed_ms, program_cpu_ms, database_cpu_ms } = sample;
  const sorted = sample.latencies_ms.toSorted((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  // Milliseconds for one and seconds for 1,000 are the same number.
  const each = (total_ms: number) => round(total_ms / Math.max(1, count));
  return {
    count,
    errors,
    elapsed_ms: round(elapsed_ms),
    per_second: round((1_000 * (count - errors)) / elapsed_ms),
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    p99_ms: at(0.99),
    program_cpu_s_per_1000: each(program_cpu_ms),
    database_cpu_s_per_1000: database_cpu_ms === null ? null : each(database_cpu_ms),
  };
}

/** Three significant digits, or whole numbers from 100 up. */
export function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
