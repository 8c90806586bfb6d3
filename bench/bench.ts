import type { Logger } from 'pino';
import type { BarChart } from './chart.ts';
import type { Server } from './database.ts';

/** What a benchmark is run with. */
export interface BenchContext {
  /** Measured time per program, shared among its cells. */
  seconds: number;
  /** Of the company that bodies come in for, or that starts. */
  channels: number;
  /** The most of one kind, where processes are counted. */
  processes: number;
  server: Server;
  profile_folder: string | null;
  log: Logger;
  signal: AbortSignal;
  /** Tells whoever waits how far it is. */
  say: (text: string) => void;
}

export interface Report {
  title: string;
  head: string[];
  rows: (string | number | null)[][];
  /** What goes into the JSON file beside the facts of the run. */
  cells: unknown[];
  chart: BarChart;
}

export interface Bench {
  about: string;
  /** How many channels where none are asked for. */
  channels: number;
  run: (context: BenchContext) => Promise<Report>;
}
