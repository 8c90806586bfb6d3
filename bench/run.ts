/** `npm run bench -- <name> [--seconds N] [--channels N] [--processes N] [--profile] [--results FOLDER]`: see README.md beside this file. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createLog } from '../src/log.ts';
import type { Bench, Report } from './bench.ts';
import { drawBars } from './chart.ts';
import { openServer, type Server } from './database.ts';
import { idle } from './idle.ts';
import { inbound } from './inbound.ts';
import { scale } from './scale.ts';
import { search } from './search.ts';
import { start } from './start.ts';
import { formatTable } from './table.ts';
import { webhooks } from './webhooks.ts';

const benches: Record<string, Bench> = { start, inbound, search, webhooks, scale, idle };

const usage = `npm run bench -- <name> [--seconds N] [--channels N] [--processes N] [--profile] [--results FOLDER]

${Object.entries(benches)
  .map(([name, { about }]) => `  ${name.padEnd(10)}${about}`)
  .join('\n')}

  --seconds N       measured time per program, shared among its cells; default 30
  --channels N      channels of the company; default 8 for inbound, 100 for the others
  --processes N     the most HTTP processes, and workers, of scale; default 4
  --profile         leave a .cpuprofile of each program in FOLDER/profiles
  --results FOLDER  where <name>.json and <name>.svg go; default bench/results
`;

interface Arguments {
  name: string;
  bench: Bench;
  seconds: number;
  channels: number;
  processes: number;
  has_profile: boolean;
  results: string;
}

function readPositive(text: string, name: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3_600)) throw new Error(`--${name} must be a number above 0, at most 3600`);
  return value;
}

function readArguments(): Arguments {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '30' },
      channels: { type: 'string' },
      processes: { type: 'string', default: '4' },
      profile: { type: 'boolean', default: false },
      results: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
    },
  });
  const [name = '', ...rest] = positionals;
  const bench = benches[name];
  if (!bench || rest.length > 0) throw new Error(usage);
  const seconds = readPositive(values.seconds, 'seconds');
  const channels =
    values.channels === undefined ? bench.channels : Math.ceil(readPositive(values.channels, 'channels'));
  const processes = Math.ceil(readPositive(values.processes, 'processes'));
  return { name, bench, seconds, channels, processes, has_profile: values.profile, results: values.results };
}

async function writeResults({ name, results, seconds, channels }: Arguments, report: Report, server: Server) {
  const [cpu] = cpus();
  const facts = {
    bench: name,
    at: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: cpus().length,
    cpu: cpu?.model ?? null,
    postgresql: server.facts,
    seconds,
    channels,
  };
  await mkdir(results, { recursive: true });
  const path = join(results, name);
  await writeFile(`${path}.json`, `${JSON.stringify({ ...facts, cells: report.cells }, null, 2)}\n`);
  await writeFile(`${path}.svg`, drawBars(report.chart));
  return { facts, path };
}

async function main(signal: AbortSignal): Promise<void> {
  const given = readArguments();
  const { seconds, channels, processes, has_profile, results } = given;
  const log = createLog('warn', 2);
  const server = await openServer(process.env.TEST_DATABASE_URL, log, signal);
  try {
    const report = await given.bench.run({
      seconds,
      channels,
      processes,
      server,
      profile_folder: has_profile ? join(results, 'profiles') : null,
      log,
      signal,
      say: (text) => process.stderr.write(`${text}\n`),
    });
    const { facts, path } = await writeResults(given, report, server);
    const { version, fsync, synchronous_commit } = facts.postgresql;
    const where = `Node ${facts.node}, ${facts.cores} cores, PostgreSQL ${version} (fsync ${fsync}, synchronous_commit ${synchronous_commit})`;
    process.stdout.write(`\n${report.title}\n${where}\n\n${formatTable(report.head, report.rows)}\n\n`);
    process.stdout.write(`${path}.json\n${path}.svg\n`);
  } finally {
    await server.close();
  }
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => interrupted.abort(new Error(`Interrupted by ${name}`)));
}
try {
  await main(interrupted.signal);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
