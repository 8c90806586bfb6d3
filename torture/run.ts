/** `npm run torture -- <name> [--minutes N] [--rounds N] [--only TEXT] [--source] [--results FOLDER]`: see README.md beside this file. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable } from '../bench/table.ts';
import { createLog } from '../src/log.ts';
import { fuzz } from './fuzz.ts';
import { kill } from './kill.ts';
import { matrix } from './matrix.ts';
import { overload } from './overload.ts';
import { pace } from './pace.ts';
import { postgres } from './postgres.ts';
import { secrets } from './secrets.ts';
import { stop } from './stop.ts';
import type { Report, Torture, TortureContext } from './torture.ts';
import { webhooks } from './webhooks.ts';

const tortures: Record<string, Torture> = { fuzz, kill, matrix, overload, pace, postgres, secrets, stop, webhooks };

const usage = `npm run torture -- <name> [--minutes N] [--rounds N] [--only TEXT] [--source] [--results FOLDER]

${Object.entries(tortures)
  .map(([name, { about }]) => `  ${name.padEnd(10)}${about}`)
  .join('\n')}

  --minutes N       no further round so long after the first one; default 60
  --rounds N        kills, stops, restarts, cells; default: the long form
  --only TEXT       of matrix: cells whose name has this, such as "gone, evolution"
  --source          run src/ with tsx and not the compiled build
  --results FOLDER  where <name>.json and its logs go; default torture/results
`;

/** The build that \`npm run torture\` makes first, and what it is made of. */
const compiled = ['dist/main.js'];
const sources = ['--import', 'tsx', 'src/main.ts'];
const most_shown = 5;
const interrupted = new AbortController();

function readPositive(text: string | undefined, name: string): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!(value > 0 && value <= 1_000_000)) throw new Error(`--${name} must be a number above 0, at most 1000000`);
  return value;
}

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      minutes: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string', default: '' },
      source: { type: 'boolean', default: false },
      results: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
    },
  });
  const [name = '', ...rest] = positionals;
  const torture = tortures[name];
  if (!torture || rest.length > 0) throw new Error(usage);
  const minutes = readPositive(values.minutes, 'minutes') ?? 60;
  const rounds = readPositive(values.rounds, 'rounds');
  return { ...values, name, torture, minutes, rounds: rounds && Math.ceil(rounds) };
}

async function main(is_interrupted: AbortSignal): Promise<boolean> {
  const { name, torture, ...given } = readArguments();
  await mkdir(given.results, { recursive: true });
  const ends: (() => unknown)[] = [];
  // What was begun ends with the program, also when that fails.
  const over = new AbortController();
  const signal = AbortSignal.any([is_interrupted, over.signal]);
  const begun_at = performance.now();
  let first_round_at: number | undefined;
  const context: TortureContext = {
    rounds: given.rounds,
    only: given.only,
    isOver: () => {
      first_round_at ??= performance.now();
      return signal.aborted || performance.now() - first_round_at > given.minutes * 60_000;
    },
    program: given.source ? sources : compiled,
    folder: given.results,
    log: createLog(process.env.LOG_LEVEL ?? 'warn', 2),
    signal,
    say: (text) => process.stderr.write(`${text}\n`),
    teardown: (end) => ends.push(end),
  };
  try {
    const report = await torture.run(context);
    const took_s = Math.round((performance.now() - begun_at) / 1_000);
    await writeFile(
      join(given.results, `${name}.json`),
      `${JSON.stringify(describe(name, report, took_s), null, 2)}\n`,
    );
    print(report, took_s);
    return report.findings.every(({ broken }) => broken.length === 0);
  } finally {
    over.abort(new Error('the program is over'));
    // Newest first, each whatever became of the one before.
    for (const end of ends.reverse()) {
      await Promise.resolve(end()).catch((error: unknown) => context.log.error({ err: error }, 'torture.end_failed'));
    }
  }
}

function describe(name: string, report: Report, took_s: number) {
  const facts = { torture: name, at: new Date().toISOString(), node: process.version, cores: cpus().length, took_s };
  return { ...facts, ...report };
}

function print({ title, figures, findings }: Report, took_s: number): void {
  const rows = findings.map(({ promise, checked, broken }) => [promise, checked, broken.length]);
  const said = findings.flatMap(({ promise, broken }) => [
    ...broken.slice(0, most_shown).map((text) => `BROKEN  ${promise}: ${text}`),
    ...(broken.length > most_shown ? [`        … and ${broken.length - most_shown} more in the JSON file`] : []),
  ]);
  const told = Object.entries({ ...figures, 'seconds in all': took_s });
  const texts = [
    title,
    formatTable(['figure', ''], told),
    formatTable(['promise', 'looked at', 'broken'], rows),
    said.join('\n'),
  ];
  process.stdout.write(`\n${texts.filter((text) => text !== '').join('\n\n')}\n`);
}

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => interrupted.abort(new Error(`Interrupted by ${name}`)));
}
try {
  if (!(await main(interrupted.signal))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}
