import type { Logger } from 'pino';
import type { Owner } from '../test/support/process.ts';

/** What a torture is run with. */
export interface TortureContext extends Owner {
  /** How often the blow falls: kills, restarts, stops or cells; null: the long form. */
  rounds: number | null;
  /** Cells whose name has this; empty: all. */
  only: string;
  /** True once the time is over: no further round is begun. */
  isOver: () => boolean;
  /** Node's arguments for our own program: the compiled build, or its sources. */
  program: string[];
  /** Where the logs go that the checker reads. */
  folder: string;
  log: Logger;
  signal: AbortSignal;
  /** Tells whoever waits how far it is. */
  say: (text: string) => void;
}

/** One promise, how often it was looked at, and each time that it was broken, in words. */
export interface Finding {
  promise: string;
  checked: number;
  broken: string[];
}

export interface Report {
  title: string;
  /** What was done, and how much of it. */
  figures: Record<string, string | number | null>;
  findings: Finding[];
}

export interface Torture {
  about: string;
  run: (context: TortureContext) => Promise<Report>;
}

/** A promise that holds for everything that was looked at, unless said otherwise. */
export function finding<T>(promise: string, all: Iterable<T>, complain: (one: T) => string | null): Finding {
  const items = [...all];
  const broken = items.flatMap((one) => complain(one) ?? []);
  return { promise, checked: items.length, broken };
}
