import type { BenchContext, Report } from './bench.ts';
import type { Cell } from './inbound.ts';
import { statuses_per_body } from './inbound-bodies.ts';
import { type Figures, round, toFigures } from './measure.ts';

const head = [
  'load',
  'at once',
  'ours',
  'ours/s',
  'floor/s',
  'ratio',
  'ours p99 ms',
  'floor p99 ms',
  'ours CPU',
  'floor CPU',
  'ours pg CPU',
  'floor pg CPU',
  'errors',
];

interface Compared {
  load: string;
  at_once: number;
  program: 'acknowledged' | 'expanded';
  events_per_body: number;
  ours: Figures;
  floor: Figures;
  /** Bodies per second, ours to the floor's. */
  ratio: number;
  p99_ratio: number;
}

function compare({ load, at_once, samples }: Cell, program: Compared['program']): Compared {
  const ours = toFigures(samples[program]);
  const floor = toFigures(samples.floor);
  return {
    load,
    at_once,
    program,
    events_per_body: load === 'texts' ? 1 : statuses_per_body,
    ours,
    floor,
    ratio: round(ours.per_second / floor.per_second),
    p99_ratio: round(ours.p99_ms / floor.p99_ms),
  };
}

function toRow({ load, at_once, program, ours, floor, ratio }: Compared): (string | number | null)[] {
  return [
    load,
    at_once,
    program,
    ours.per_second,
    floor.per_second,
    ratio,
    ours.p99_ms,
    floor.p99_ms,
    ours.program_cpu_s_per_1000,
    floor.program_cpu_s_per_1000,
    ours.database_cpu_s_per_1000,
    floor.database_cpu_s_per_1000,
    ours.errors + floor.errors,
  ];
}

/** Ours beside the floor, cell by cell. */
export function reportInbound(cells: Cell[], { seconds, channels }: BenchContext): Report {
  const compared = (['acknowledged', 'expanded'] as const).flatMap((program) =>
    cells.map((cell) => compare(cell, program)),
  );
  const title = `inbound: bodies per second, ${channels} channels, ${statuses_per_body} statuses in a body, ${seconds} s per program; CPU in s per 1,000 bodies`;
  const groups = cells.map((cell) => {
    const [acknowledged, expanded] = [compare(cell, 'acknowledged'), compare(cell, 'expanded')];
    return {
      name: `${cell.load}, ${cell.at_once} at once`,
      values: [acknowledged.floor.per_second, acknowledged.ours.per_second, expanded.ours.per_second],
      labels: ['1', ...[acknowledged, expanded].map(({ ratio }) => `${Number(ratio.toPrecision(2))} ×`)],
    };
  });
  const subtitle = 'Beside a route that checks the signature, inserts the body and answers 200. Read the ratios.';
  const series = ['floor', 'ours, acknowledged', 'ours, expanded'];
  return {
    title,
    head,
    rows: compared.map(toRow),
    cells: compared,
    chart: { title: 'Inbound bodies per second', subtitle, series, groups },
  };
}
