import type { Sample } from './measure.ts';
import type { Pgbench } from './pgbench.ts';

export const program_names = ['bare', 'rows', 'tables', 'ours'] as const;
export type ProgramName = (typeof program_names)[number];

export interface Cell {
  latency_ms: number;
  at_once: number;
  samples: Record<ProgramName, StartSample>;
  /** Null where there is no pgbench, and for what it does not know: a provider that takes time. */
  pgbench: Pgbench | null;
}

/** From the first start until every message is dispatched. */
export interface StartSample extends Sample {
  /** Until the last answer. */
  answered_ms: number;
}
