import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, BenchContext, Report } from './bench.ts';
import { round } from './measure.ts';
import type { OursSettings } from './ours.ts';
import { type Program, startProgram } from './program.ts';
import { openProvider, runWith } from './start.ts';
import { createCompany, lookInto, startsOf } from './start-company.ts';

/** For each second that is asked for: 100,000 in the 30 that are the default. */
const starts_per_second = 100_000 / 30;
/** Seconds of load for each second that is asked for; on a slow machine it is fewer starts, and said. */
const most_load = 6;
/** Between two looks at the time. */
const starts_at_once = 1_000;
const at_once = 64;

interface Rest {
  when: 'after boot' | 'after starts';
  starts: number;
  memory_mib: number;
  /** Of one core, in per cent. */
  program_cpu_percent: number;
  database_cpu_percent: number | null;
  errors: number;
}

export const idle: Bench = {
  about: 'memory after boot and after 100,000 starts, and CPU while there is nothing to do',
  channels: 100,
  run: async (context: BenchContext): Promise<Report> => {
    const closers: (() => Promise<void>)[] = [];
    try {
      return reportIdle(await measureAll(context, closers));
    } finally {
      for (const close of closers.reverse())
        await close().catch((error: unknown) => context.log.error({ err: error }, 'bench.close_failed'));
    }
  },
};

async function measureAll(context: BenchContext, closers: (() => Promise<void>)[]): Promise<Rest[]> {
  const { server, channels, profile_folder, signal, log, seconds, say } = context;
  const master_key = randomBytes(32);
  const provider = await openProvider(context, closers);
  const settings = await server.createDatabase('idle');
  const company = await createCompany({ settings, master_key, channels, provider_url: provider.url, log, signal });
  const given: OursSettings = { settings, master_key: master_key.toString('base64'), role: 'whole' };
  const program = await startProgram(new URL('./ours.ts', import.meta.url), given, { profile_folder, signal });
  closers.push(program.stop);
  const look = await lookInto(settings, 'public');
  closers.push(look.close);
  say('after boot');
  const booted = await rest(context, program);
  const next = startsOf(company, { next: 0 });
  const run = runWith(context, { doors: [program], all: [program], provider, look, isIdle: look.isIdle, next });
  const wanted = Math.round(starts_per_second * seconds);
  const deadline = performance.now() + 1_000 * most_load * seconds;
  let starts = 0;
  let errors = 0;
  while (starts < wanted && performance.now() < deadline) {
    const sample = await run(at_once, { starts: Math.min(starts_at_once, wanted - starts) });
    starts += sample.count;
    errors += sample.errors;
    say(`${starts} starts of ${wanted}`);
  }
  await look.tidy();
  return [
    { when: 'after boot', starts: 0, ...booted, errors: 0 },
    { when: 'after starts', starts, ...(await rest(context, program)), errors },
  ];
}

/** What a program that has nothing to do takes. */
async function rest({ seconds, server, signal }: BenchContext, program: Program) {
  // Connections settle, and what booting or a load left is collected.
  await delay(Math.min(2_000, 200 * seconds), undefined, { signal });
  const begun_at = performance.now();
  const before = { program: await program.readCpu(), database: server.readCpu() };
  await delay(500 * Math.min(20, seconds), undefined, { signal });
  const database = server.readCpu();
  const program_ms = (await program.readCpu()) - before.program;
  const elapsed_ms = performance.now() - begun_at;
  return {
    memory_mib: Math.round(await program.readMemory()),
    program_cpu_percent: round((100 * program_ms) / elapsed_ms),
    database_cpu_percent:
      database === null || before.database === null ? null : round((100 * (database - before.database)) / elapsed_ms),
  };
}

function reportIdle(rests: Rest[]): Report {
  const rows = rests.map((one) => [
    ...[one.when, one.starts, one.memory_mib, one.program_cpu_percent, one.database_cpu_percent, one.errors],
  ]);
  const groups = rests.map(({ starts, memory_mib }) => ({
    name: starts === 0 ? 'after boot' : `after ${starts.toLocaleString('en')} starts`,
    values: [memory_mib],
    labels: [`${memory_mib} MiB`],
  }));
  return {
    title: 'idle: one process with HTTP and lanes, nothing to do',
    head: ['when', 'starts', 'memory MiB', 'CPU %', 'pg CPU %', 'errors'],
    rows,
    cells: rests,
    chart: { title: 'Memory of one process', subtitle: 'Resident, in MiB.', series: ['ours'], groups },
  };
}
