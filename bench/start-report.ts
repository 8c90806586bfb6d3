import type { BenchContext, Report } from './bench.ts';
import { round, toFigures } from './measure.ts';
import { type Cell, type ProgramName, program_names, type StartSample } from './start-cells.ts';

const head = [
  'provider ms',
  'at once',
  'program',
  'starts/s',
  'to bare',
  'to rows',
  'answered/s',
  'p50 ms',
  'p99 ms',
  'p99 to bare',
  'CPU',
  'pg CPU',
  'errors',
];

/** `per_second`: accepted and dispatched; `answered_per_second`: accepted, while the lane is at work. */
export function toStartFigures(sample: StartSample) {
  return { ...toFigures(sample), answered_per_second: round((1_000 * sample.count) / sample.answered_ms) };
}

function describe({ latency_ms, at_once, samples, pgbench }: Cell) {
  const figures = {
    bare: toStartFigures(samples.bare),
    rows: toStartFigures(samples.rows),
    tables: toStartFigures(samples.tables),
    ours: toStartFigures(samples.ours),
  };
  const { bare, rows, ours } = figures;
  return {
    latency_ms,
    at_once,
    ...figures,
    pgbench: pgbench && { ...pgbench, per_second: round(pgbench.per_second) },
    /** Starts per second, ours to the others', and the time of the answer. */
    ratio_to_bare: round(ours.per_second / bare.per_second),
    ratio_to_rows: round(ours.per_second / rows.per_second),
    p99_ratio_to_bare: round(ours.p99_ms / bare.p99_ms),
  };
}

type Described = ReturnType<typeof describe>;
type Row = (string | number | null)[];

function toRow(cell: Described, name: ProgramName): Row {
  const { latency_ms, at_once, bare, rows } = cell;
  const own = cell[name];
  return [
    ...[latency_ms, at_once, name, own.per_second],
    ...[round(own.per_second / bare.per_second), round(own.per_second / rows.per_second)],
    ...[own.answered_per_second, own.p50_ms, own.p99_ms, round(own.p99_ms / bare.p99_ms)],
    ...[own.program_cpu_s_per_1000, own.database_cpu_s_per_1000, own.errors],
  ];
}

function toRows(cell: Described): Row[] {
  const { latency_ms, at_once, pgbench, bare, rows } = cell;
  const rates = (per_second: number) => [round(per_second / bare.per_second), round(per_second / rows.per_second)];
  const without: Row[] = pgbench
    ? [
        [
          ...[latency_ms, at_once, 'pgbench', pgbench.per_second, ...rates(pgbench.per_second)],
          ...[null, null, null, null, null, null, null],
        ],
      ]
    : [];
  return [...program_names.map((name) => toRow(cell, name)), ...without];
}

/** Ours beside the floors, cell by cell. */
export function reportStart(cells: Cell[], { seconds, channels }: BenchContext): Report {
  const described = cells.map(describe);
  const title = `start: accepted and dispatched starts per second, ${channels} senders, ${seconds} s per program; CPU in s per 1,000 starts`;
  const two = (value: number) => Number(value.toPrecision(2));
  const groups = described.map((cell) => ({
    name: `${cell.latency_ms} ms, ${cell.at_once} at once`,
    values: program_names.map((name) => cell[name].per_second),
    labels: program_names.map((name) => `${two(cell[name].per_second / cell.bare.per_second)}`),
  }));
  const subtitle =
    'Beside programs that insert, answer, post and update, with fewer promises. On the bars: to the bare one.';
  return {
    title,
    head,
    rows: described.flatMap(toRows),
    cells: described,
    chart: { title: 'Starts per second', subtitle, series: [...program_names], groups },
  };
}
