import { randomBytes } from 'node:crypto';
import type { ConnectionSettings } from '../src/db/connection.ts';
import type { Bench, BenchContext, Report } from './bench.ts';
import { drive, join, type Shot, until, withCpu } from './measure.ts';
import type { OursSettings } from './ours.ts';
import { hasPgbench, type Pgbench, preparePgbench } from './pgbench.ts';
import { type Program, startProgram } from './program.ts';
import { type Cell, type ProgramName, program_names, type StartSample } from './start-cells.ts';
import { type Company, createCompany, type Look, lookInto, startsOf } from './start-company.ts';
import type { FloorSettings } from './start-floor.ts';
import type { Received } from './start-provider.ts';
import { reportStart } from './start-report.ts';

const latencies_ms = [0, 50];
const all_at_once = [1, 16, 64];
/**
 * Of one program in one cell without another's turn; shorter when there is less to share out. After the `analyze` before each, every
 * connection makes its plans anew, which a service does once a minute or less: a turn is long beside that.
 */
const longest_turn_ms = 2_500;
/** Of each program, so that its code is compiled as that of a service which has run for a while: 2,100 in a run of 30 s. */
const countWarmUp = (seconds: number): number => Math.max(200, Math.round(70 * seconds));
/** Of a turn that is very short. */
const fewest_starts = 16;
const drained_within_ms = 120_000;
/** Each look costs PostgreSQL, too. */
const poll_ms = 10;

export const start: Bench = {
  about: 'starts with a template until they are dispatched, beside programs that insert, post and update',
  channels: 100,
  run: async (context: BenchContext): Promise<Report> => {
    const closers: (() => Promise<void>)[] = [];
    try {
      const stage = await open(context, closers);
      return reportStart(await measureAll(context, stage), context);
    } finally {
      // Each whatever became of the one before.
      for (const close of closers.reverse())
        await close().catch((error: unknown) => context.log.error({ err: error }, 'bench.close_failed'));
    }
  },
};

/** One program as a cell needs it: so many at once, for about so long, or so many in all. */
export type Runner = (at_once: number, load: { for_ms: number } | { starts: number }) => Promise<StartSample>;

interface Stage {
  runners: Record<ProgramName, Runner>;
  provider: Program;
  runPgbench: ((at_once: number, for_ms: number) => Promise<Pgbench>) | null;
}

async function measureAll({ seconds, say }: BenchContext, { runners, provider, runPgbench }: Stage): Promise<Cell[]> {
  const all = latencies_ms.flatMap((latency_ms) => all_at_once.map((at_once) => ({ latency_ms, at_once })));
  const cell_ms = (1_000 * seconds) / all.length;
  const cells: Cell[] = [];
  for (const { latency_ms, at_once } of all) {
    say(`provider at ${latency_ms} ms, ${at_once} at once`);
    await setLatency(provider, latency_ms);
    const samples = await takeTurns(cell_ms, (name, for_ms) => runners[name](at_once, { for_ms }));
    const pgbench = runPgbench && latency_ms === 0 ? await runPgbench(at_once, cell_ms) : null;
    cells.push({ latency_ms, at_once, samples, pgbench });
  }
  return cells;
}

/** How long the provider takes to accept, from now on. */
async function setLatency(provider: Program, latency_ms: number): Promise<void> {
  const answer = await provider.pool.request({ method: 'POST', path: '/latency', body: String(latency_ms) });
  await answer.body.dump();
}

/** The programs take turns, every other turn in the opposite order, so that noise hits all of them. */
async function takeTurns(
  cell_ms: number,
  run: (name: ProgramName, for_ms: number) => Promise<StartSample>,
): Promise<Cell['samples']> {
  const turns = Math.max(1, Math.ceil(cell_ms / longest_turn_ms));
  const taken: Record<ProgramName, StartSample[]> = { bare: [], rows: [], tables: [], ours: [] };
  for (let turn = 0; turn < turns; turn += 1) {
    const order = turn % 2 === 0 ? program_names : program_names.toReversed();
    for (const name of order) taken[name].push(await run(name, cell_ms / turns));
  }
  const whole = (samples: StartSample[]): StartSample => ({
    ...join(samples),
    answered_ms: samples.reduce((sum, { answered_ms }) => sum + answered_ms, 0),
  });
  return { bare: whole(taken.bare), rows: whole(taken.rows), tables: whole(taken.tables), ours: whole(taken.ours) };
}

/** Starts the provider that all programs of a run share. */
export async function openProvider({ signal }: BenchContext, closers: (() => Promise<void>)[]) {
  const provider = await startProgram(
    new URL('./start-provider.ts', import.meta.url),
    {},
    { profile_folder: null, signal },
  );
  closers.push(provider.stop);
  return provider;
}

async function open(context: BenchContext, closers: (() => Promise<void>)[]): Promise<Stage> {
  const { server, channels, profile_folder, signal, log } = context;
  const master_key = randomBytes(32);
  const provider = await openProvider(context, closers);
  const people = { next: 0 };
  const openOne = async (name: ProgramName, settings: ConnectionSettings): Promise<Runner> => {
    const company =
      name === 'bare'
        ? nobody(channels)
        : await createCompany({ settings, master_key, channels, provider_url: provider.url, log, signal });
    const { account_id } = company;
    const file = name === 'ours' ? './ours.ts' : './start-floor.ts';
    const given: OursSettings | FloorSettings =
      name === 'ours'
        ? { settings, master_key: master_key.toString('base64'), role: 'whole' }
        : { settings, rows: name, account_id, provider_url: provider.url };
    const program = await startProgram(new URL(file, import.meta.url), given, { profile_folder, signal });
    closers.push(program.stop);
    const look = await lookInto(settings, name === 'rows' ? 'plain, public' : 'public');
    closers.push(look.close);
    const isIdle = name === 'ours' ? look.isIdle : () => isFloorIdle(program);
    const runner = runWith(context, {
      doors: [program],
      all: [program],
      provider,
      look,
      isIdle,
      next: startsOf(company, people),
    });
    return runner;
  };
  const databases: ConnectionSettings[] = [];
  for (const name of program_names) databases.push(await server.createDatabase(`start_${name}`));
  const opened = program_names.map((name, place) => openOne(name, databases[place] as ConnectionSettings));
  // Each has begun: when one fails, the others are still waited for, so that they can be closed.
  const settled = await Promise.allSettled(opened);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  const [bare, rows, tables, ours] = (await Promise.all(opened)) as [Runner, Runner, Runner, Runner];
  const runners = { bare, rows, tables, ours };
  for (const name of program_names) await runners[name](64, { starts: countWarmUp(context.seconds) });
  const runPgbench = (await hasPgbench())
    ? await preparePgbench(context, await server.createDatabase('start_pgbench'))
    : null;
  return { runners, provider, runPgbench };
}

/** The bare program asks nothing of its database: any ids will do. */
function nobody(channels: number): Company {
  const id = (place: number) => `00000000-0000-4000-8000-${String(place).padStart(12, '0')}`;
  const channel_ids = Array.from({ length: channels }, (_, place) => id(place + 1));
  return { account_id: id(0), channel_ids, team_id: id(0), key: 'none' };
}

async function isFloorIdle({ pool }: Program): Promise<boolean> {
  const answer = await pool.request({ method: 'GET', path: '/in-the-air' });
  return ((await answer.body.json()) as { in_air: number }).in_air === 0;
}

export interface Setup {
  /** Where starts go, in turn. */
  doors: Program[];
  /** Whose CPU counts. */
  all: Program[];
  provider: Program;
  look: Look;
  isIdle: () => Promise<boolean>;
  next: () => Shot;
}

/**
 * As many starts as were dispatched in that time before, sent as fast as the door takes them; the time ends when the last one is
 * dispatched. Whatever was not accepted, or reached its person twice, counts as an error.
 */
export function runWith({ server, signal }: BenchContext, setup: Setup): Runner {
  const { doors, all, provider, look, isIdle, next } = setup;
  const per_ms = new Map<number, number>();
  let turn = 0;
  const pool = {
    request: (options: Parameters<Program['pool']['request']>[0]) => {
      turn += 1;
      return (doors[turn % doors.length] as Program).pool.request(options);
    },
  };
  const readProgramCpu = async () =>
    (await Promise.all(all.map(({ readCpu }) => readCpu()))).reduce((sum, ms) => sum + ms, 0);
  return async (at_once, load) => {
    // The rate of a cell before is a guess at that of this one; `at_once` alone bounds it.
    const rate = per_ms.get(at_once) ?? Math.max(0, ...per_ms.values()) * Math.min(1, at_once / 16);
    const for_a_time = (for_ms: number) => Math.max(fewest_starts, at_once, Math.round(rate * for_ms));
    let left = 'starts' in load ? load.starts : for_a_time(load.for_ms);
    const shots = () => {
      left -= 1;
      return left < 0 ? undefined : next();
    };
    await look.tidy();
    const before = { ...(await readReceived(provider)), accepted: await look.countAccepted() };
    let answered_ms = 0;
    const sample = await withCpu({ readProgramCpu, readDatabaseCpu: server.readCpu }, async () => {
      const begun_at = performance.now();
      const sent = await drive(pool as Program['pool'], { at_once, next: shots, for_ms: drained_within_ms, signal });
      answered_ms = sent.elapsed_ms;
      await until(isIdle, { poll_ms, within_ms: drained_within_ms, what: 'every start dispatched', signal });
      return { ...sent, elapsed_ms: performance.now() - begun_at };
    });
    per_ms.set(at_once, sample.count / sample.elapsed_ms);
    const received = await readReceived(provider);
    const missing = sample.count - ((await look.countAccepted()) - before.accepted);
    const unsent = sample.count - (received.messages - before.messages);
    const wrong = Math.max(missing, unsent) + (received.repeated - before.repeated);
    return { ...sample, errors: Math.max(sample.errors, wrong), answered_ms };
  };
}

async function readReceived({ pool }: Program): Promise<Received> {
  const answer = await pool.request({ method: 'GET', path: '/' });
  return (await answer.body.json()) as Received;
}
