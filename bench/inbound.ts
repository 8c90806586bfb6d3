import { randomBytes } from 'node:crypto';
import type { Bench, BenchContext, Report } from './bench.ts';
import { type Door, type SentMessage, statuses_per_body, statusesOf, textsFrom } from './inbound-bodies.ts';
import { type Company, createCompany } from './inbound-company.ts';
import { reportInbound } from './inbound-report.ts';
import { drive, join, type Sample, type Shot, until, withCpu } from './measure.ts';
import type { OursSettings } from './ours.ts';
import { type Program, startProgram } from './program.ts';

export type LoadName = 'texts' | 'statuses';
export type ProgramName = 'floor' | 'acknowledged' | 'expanded';

/** What one cell came to, program by program. */
export interface Cell {
  load: LoadName;
  at_once: number;
  samples: Record<ProgramName, Sample>;
}

const loads: LoadName[] = ['texts', 'statuses'];
const all_at_once = [1, 16, 64];
const program_names: ProgramName[] = ['floor', 'acknowledged', 'expanded'];
/** Of one program in one cell without another's turn; shorter when there is less to share out. */
const longest_turn_ms = 1_000;
/** For each second of a run: a service has run for a while, and its code is compiled. */
const warm_up_ms = 100;
const warm_up_bodies = 32;
/** Of a turn that is very short. */
const fewest_bodies = 8;
const drained_within_ms = 120_000;
/** Each look costs PostgreSQL, too. */
const poll_ms = 25;

/** One program as a cell needs it: so much of a load, at so many at once. */
type Runner = (load: LoadName, at_once: number, for_ms: number) => Promise<Sample>;
type Runners = Record<ProgramName, Runner>;

export const inbound: Bench = {
  about: 'signed Cloud API bodies beside a route that checks the signature, inserts the body and answers 200',
  channels: 8,
  run: async (context: BenchContext): Promise<Report> => {
    const closers: (() => Promise<void>)[] = [];
    try {
      const runners = await open(context, closers);
      return reportInbound(await measureAll(context, runners), context);
    } finally {
      // Each whatever became of the one before.
      for (const close of closers.reverse())
        await close().catch((error: unknown) => context.log.error({ err: error }, 'bench.close_failed'));
    }
  },
};

async function measureAll({ seconds, say }: BenchContext, runners: Runners): Promise<Cell[]> {
  for (const load of loads) {
    for (const name of program_names) await runners[name](load, 16, Math.max(300, warm_up_ms * seconds));
  }
  const all = loads.flatMap((load) => all_at_once.map((at_once) => ({ load, at_once })));
  const cells: Cell[] = [];
  for (const { load, at_once } of all) {
    say(`${load}, ${at_once} at once`);
    const samples = await takeTurns((1_000 * seconds) / all.length, (name, for_ms) =>
      runners[name](load, at_once, for_ms),
    );
    cells.push({ load, at_once, samples });
  }
  return cells;
}

/** The programs take turns of at most a second, every other turn in the opposite order, so that noise hits all of them. */
async function takeTurns(
  cell_ms: number,
  run: (name: ProgramName, for_ms: number) => Promise<Sample>,
): Promise<Cell['samples']> {
  const turns = Math.max(1, Math.ceil(cell_ms / longest_turn_ms));
  const taken: Record<ProgramName, Sample[]> = { floor: [], acknowledged: [], expanded: [] };
  for (let turn = 0; turn < turns; turn += 1) {
    const order = turn % 2 === 0 ? program_names : program_names.toReversed();
    for (const name of order) taken[name].push(await run(name, cell_ms / turns));
  }
  return { floor: join(taken.floor), acknowledged: join(taken.acknowledged), expanded: join(taken.expanded) };
}

async function open(context: BenchContext, closers: (() => Promise<void>)[]): Promise<Runners> {
  const { server, channels, profile_folder, signal, log } = context;
  const master_key = randomBytes(32);
  const start = async (file: string, settings: unknown) => {
    const program = await startProgram(new URL(file, import.meta.url), settings, { profile_folder, signal });
    closers.push(program.stop);
    return program;
  };
  const openOurs = async (name: ProgramName) => {
    const settings = await server.createDatabase(name);
    const company = await createCompany({ settings, master_key, channels, log, signal });
    closers.push(company.close);
    const given: OursSettings = {
      settings,
      master_key: master_key.toString('base64'),
      role: name === 'expanded' ? 'whole' : 'http',
    };
    return { company, program: await start('./ours.ts', given) };
  };
  const floor = await start('./inbound-floor.ts', { settings: await server.createDatabase('floor') });
  const acknowledged = await openOurs('acknowledged');
  const expanded = await openOurs('expanded');
  // The floor takes the very same bodies.
  const known = await acknowledged.company.addSent(10 * channels);
  return {
    floor: acknowledgeWith(context, floor, acknowledged.company, known),
    acknowledged: acknowledgeWith(context, acknowledged.program, acknowledged.company, known),
    expanded: expandWith(context, expanded.program, expanded.company),
  };
}

type Groups = { door: Door; messages: SentMessage[] }[];

/** At the door nothing of a body is read, so that reports on the same messages may come again and again. */
function acknowledgeWith(context: BenchContext, program: Program, { doors, people }: Company, known: Groups): Runner {
  const next: Record<LoadName, () => Shot | undefined> = {
    texts: textsFrom(doors, people),
    statuses: statusesOf(known, true),
  };
  return (load, at_once, for_ms) =>
    measure(context, program, () => drive(program.pool, { at_once, next: next[load], for_ms, signal: context.signal }));
}

function measure({ server }: BenchContext, program: Program, run: () => Promise<Sample>): Promise<Sample> {
  return withCpu({ readProgramCpu: program.readCpu, readDatabaseCpu: server.readCpu }, run);
}

/**
 * As many bodies as were expanded in that time before, sent as fast as the door takes them; the time ends when the queue is
 * empty. Every report is news. Whatever was not applied counts as an error.
 */
function expandWith(context: BenchContext, program: Program, company: Company): Runner {
  const { signal } = context;
  const per_ms: Record<LoadName, number> = { texts: 0, statuses: 0 };
  return async (load, at_once, for_ms) => {
    const bodies = per_ms[load] === 0 ? warm_up_bodies : Math.max(fewest_bodies, Math.round(per_ms[load] * for_ms));
    const next = await bodiesOf(company, load, bodies);
    await company.tidy();
    const before = await company.countEffects();
    const sample = await measure(context, program, async () => {
      const begun_at = performance.now();
      const sent = await drive(program.pool, { at_once, next, for_ms: drained_within_ms, signal });
      const what = 'every body expanded';
      await until(company.isIdle, { poll_ms, within_ms: drained_within_ms, what, signal });
      return { ...sent, elapsed_ms: performance.now() - begun_at };
    });
    const after = await company.countEffects();
    const per_body = load === 'texts' ? 1 : statuses_per_body;
    const missing = sample.count - (after[load] - before[load]) / per_body;
    per_ms[load] = sample.count / sample.elapsed_ms;
    return { ...sample, errors: Math.max(sample.errors, Math.ceil(missing)) };
  };
}

async function bodiesOf(company: Company, load: LoadName, bodies: number): Promise<() => Shot | undefined> {
  const all: () => Shot | undefined =
    load === 'texts'
      ? textsFrom(company.doors, company.people)
      : statusesOf(await company.addSent(Math.ceil(bodies / 3)), false);
  let left = bodies;
  return () => {
    if (left === 0) return undefined;
    left -= 1;
    return all();
  };
}
