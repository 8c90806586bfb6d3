import { randomBytes } from 'node:crypto';
import type { Bench, BenchContext, Report } from './bench.ts';
import { join, round } from './measure.ts';
import type { OursSettings } from './ours.ts';
import { type Program, startProgram } from './program.ts';
import { openProvider, type Runner, runWith } from './start.ts';
import type { StartSample } from './start-cells.ts';
import { createCompany, lookInto, startsOf } from './start-company.ts';
import { toStartFigures } from './start-report.ts';

const first_stretch = 200;
const all_counts = [1, 2, 4];
const at_once = 64;
/** All connections of all processes fit into PostgreSQL's default of 100. */
const pool_max = 8;
const longest_turn_ms = 1_000;

interface Measured {
  http: number;
  workers: number;
  sample: StartSample;
}

export const scale: Bench = {
  about: '`start` over 1, 2 and 4 processes of `serve --no-lanes` and 1, 2 and 4 of `worker`',
  channels: 100,
  run: async (context: BenchContext): Promise<Report> => {
    const closers: (() => Promise<void>)[] = [];
    try {
      return reportScale(await measureAll(context, closers), context);
    } finally {
      for (const close of closers.reverse())
        await close().catch((error: unknown) => context.log.error({ err: error }, 'bench.close_failed'));
    }
  },
};

async function measureAll(context: BenchContext, closers: (() => Promise<void>)[]): Promise<Measured[]> {
  const counts = countsOf(context);
  const { server, channels, profile_folder, signal, log, seconds, say } = context;
  const master_key = randomBytes(32);
  const provider = await openProvider(context, closers);
  const settings = await server.createDatabase('scale');
  const company = await createCompany({ settings, master_key, channels, provider_url: provider.url, log, signal });
  const look = await lookInto(settings, 'public');
  closers.push(look.close);
  const next = startsOf(company, { next: 0 });
  const launch = async (role: OursSettings['role']) => {
    const given: OursSettings = { settings, master_key: master_key.toString('base64'), role, pool_max };
    const program = await startProgram(new URL('./ours.ts', import.meta.url), given, { profile_folder, signal });
    closers.push(program.stop);
    return program;
  };
  const http = await Promise.all(Array.from({ length: Math.max(...counts) }, () => launch('http')));
  const workers: Program[] = [];
  const runnerOf = (count: number): Runner => {
    const doors = http.slice(0, count);
    return runWith(context, { doors, all: [...doors, ...workers], provider, look, isIdle: look.isIdle, next });
  };
  const cell_ms = (1_000 * seconds) / counts.length ** 2;
  const turns = Math.max(1, Math.ceil(cell_ms / longest_turn_ms));
  const measured: Measured[] = [];
  for (const count of counts) {
    // They stay: a lane cannot be halted, so the curve is walked upwards.
    while (workers.length < count) workers.push(await launch('worker'));
    for (const doors of counts) {
      say(`${doors} HTTP, ${count} workers`);
      const run = runnerOf(doors);
      // The first stretch tells how much the next ones are.
      await run(at_once, { starts: first_stretch });
      const samples: StartSample[] = [];
      for (let turn = 0; turn < turns; turn += 1) samples.push(await run(at_once, { for_ms: cell_ms / turns }));
      const answered_ms = samples.reduce((sum, sample) => sum + sample.answered_ms, 0);
      measured.push({ http: doors, workers: count, sample: { ...join(samples), answered_ms } });
    }
  }
  return measured;
}

const countsOf = ({ processes }: BenchContext) => all_counts.filter((count) => count <= processes);

function reportScale(measured: Measured[], context: BenchContext): Report {
  const { seconds, channels } = context;
  const counts = countsOf(context);
  const described = measured.map(({ http, workers, sample }) => {
    const { program_cpu_ms, database_cpu_ms, elapsed_ms } = sample;
    return {
      http,
      workers,
      ...toStartFigures(sample),
      // What bounds it: these beside the cores of the machine, of which client and provider take a part, too.
      programs_cores: round(program_cpu_ms / elapsed_ms),
      database_cores: database_cpu_ms === null ? null : round(database_cpu_ms / elapsed_ms),
    };
  });
  const [alone] = described;
  if (!alone) throw new Error('nothing was measured');
  const to = (per_second: number) => round(per_second / alone.per_second);
  const rows = described.map((one) => [
    ...[one.http, one.workers, one.per_second, to(one.per_second), one.answered_per_second, one.p99_ms],
    ...[one.program_cpu_s_per_1000, one.database_cpu_s_per_1000, one.programs_cores, one.database_cores, one.errors],
  ]);
  const groups = counts.map((workers) => {
    const cells = described.filter((one) => one.workers === workers);
    return {
      name: workers === 1 ? '1 worker' : `${workers} workers`,
      values: cells.map(({ per_second }) => per_second),
      labels: cells.map(({ per_second }) => String(to(per_second))),
    };
  });
  const head = [
    'HTTP',
    'workers',
    'starts/s',
    'to 1 and 1',
    'answered/s',
    'p99 ms',
    'CPU',
    'pg CPU',
    'cores',
    'pg cores',
    'errors',
  ];
  const title = `scale: accepted and dispatched starts per second, ${at_once} at once, ${channels} senders, ${seconds} s in all; CPU in s per 1,000 starts`;
  const series = counts.map((count) => (count === 1 ? '1 HTTP process' : `${count} HTTP processes`));
  const subtitle = 'On the bars: to one HTTP process and one worker.';
  return {
    title,
    head,
    rows,
    cells: described,
    chart: { title: 'Starts per second by processes', subtitle, series, groups },
  };
}
