import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from '../test/support/process.ts';
import { callOver } from '../test/support/remote-company.ts';
import { checkLogs, type Evidence, type Final, promise_of_leases, waIdOf } from './check-logs.ts';
import { openClient } from './clients.ts';
import { providers } from './company.ts';
import { createFleet, type Member } from './fleet.ts';
import { type Cell, countBlocked, listCells, lockTable, type Outcome } from './matrix-points.ts';
import { type OwnServer, openOwnServer } from './own-server.ts';
import { openStage, type Stage } from './stage.ts';
import { type Finding, finding, type Report, type Torture, type TortureContext } from './torture.ts';

const lease_ms = 5_000;
const send_timeout_ms = 3_000;
const slow_ms = 1_500;
const gone_ms = 30_000;
/** Of a frozen process, once it is woken: longer than a send may take. */
const woken_ms = send_timeout_ms + 1_000;
const reached_within_ms = 60_000;
const back_within_ms = 60_000;
const settled_within_ms = 120_000;
const poll_ms = 25;

export const matrix: Torture = {
  about: 'every failpoint × kill, freeze, PostgreSQL restarted or gone × provider',
  run,
};

interface Places {
  /** Who is struck: with lanes, and without. */
  victim: Member;
  plain: Member;
  worker: Member;
}

interface Board {
  context: TortureContext;
  server: OwnServer;
  stage: Stage;
  places: Places;
  ready: Asked[];
}

interface Played {
  cell: Cell;
  phone: string;
  /** Whether what may be was seen in time. */
  is_over: boolean;
}

/** While PostgreSQL is gone, `/health/ready` of who is not struck. */
interface Asked {
  cell: string;
  status: number;
}

async function run(context: TortureContext): Promise<Report> {
  const server = await openOwnServer(context);
  const stage = await openStage(context, {
    name: 'matrix',
    settings: server.settings,
    // It takes webhooks and the clients' repeats, and is never struck itself.
    commands: ['serve --no-lanes'],
    env: { CONVERSAR_SEND_TIMEOUT_MS: String(send_timeout_ms), CONVERSAR_LEASE_MS: String(lease_ms) },
    simulator: { slow_ms },
    has_webhooks: true,
  });
  const commands = ['serve', 'serve --no-lanes', 'worker'];
  const options = { owner: context, program: context.program, env: stage.env, commands };
  const [victim, plain, worker] = await createFleet(options);
  if (!victim || !plain || !worker) throw new Error('a fleet has as many members as commands');
  const board: Board = { context, server, stage, places: { victim, plain, worker }, ready: [] };
  const cells = listCells(providers).filter(({ name }) => name.includes(context.only));
  const played: Played[] = [];
  for (const cell of cells.slice(0, context.rounds ?? cells.length)) {
    if (context.isOver()) break;
    context.say(cell.name);
    played.push(await play(board, cell, played.length));
  }
  await worker.start();
  const { findings, evidence } = await stage.judge(['read']);
  const ended = played.map((one) => ({ ...one, seen: one.is_over ? finallySeen(evidence, one) : null }));
  const leases = judgeLeases(findings, evidence);
  return {
    title: 'A crash at every point',
    figures: {
      'cells of the matrix': listCells(providers).length,
      'cells played': played.length,
      'ended as sent once': ended.filter(({ seen }) => seen === 'sent once').length,
      'ended as a doubt, unsent': ended.filter(({ seen }) => seen === 'a doubt, unsent').length,
      'sending for longer while PostgreSQL was gone': leases.excused,
      requests: evidence.tries.length,
    },
    findings: [
      judgeCells(ended),
      ...findings.map((one) => (one.promise === promise_of_leases ? leases.judged : one)),
      finding('/health/ready says no while PostgreSQL is gone', board.ready, ({ cell, status }) =>
        status === 503 ? null : `${cell}: ${status}`,
      ),
    ],
  };
}

/** While there is no database nobody can end a lease: so much longer an attempt may last in the cells where it is gone. */
function judgeLeases(findings: Finding[], evidence: Evidence) {
  const isGone = (said: string) => said.includes(', gone, ');
  const brokenOf = (all: Finding[]) => all.find(({ promise }) => promise === promise_of_leases)?.broken ?? [];
  const broken = brokenOf(findings);
  const longer = brokenOf(checkLogs({ ...evidence, lease_ms: lease_ms + gone_ms })).filter(isGone);
  const judged: Finding = {
    promise: promise_of_leases,
    checked: evidence.finals.size,
    broken: [...broken.filter((said) => !isGone(said)), ...longer],
  };
  return { judged, excused: broken.filter(isGone).length - longer.length };
}

/** What both logs say in the end: also of what a process that was woken did after it was looked at. */
function finallySeen({ tries, arrivals, finals }: Evidence, { cell, phone }: Played): Outcome | null {
  const message_id = tries.find((one) => one.key === cell.name && one.message_id !== null)?.message_id ?? '';
  const arrived = arrivals.filter(({ wa_id }) => wa_id === waIdOf(phone)).length;
  return outcomeFor(arrived, finals.get(message_id)?.status);
}

function outcomeFor(arrived: number, status: string | undefined): Outcome | null {
  if (arrived === 1 && status === 'read') return 'sent once';
  return arrived === 0 && status === 'unknown' ? 'a doubt, unsent' : null;
}

function judgeCells(ended: (Played & { seen: Outcome | null })[]): Finding {
  return finding('each cell ends as its point promises', ended, ({ cell, phone, seen }) => {
    const promised = cell.point.promised(cell.blow);
    return seen && promised.includes(seen) ? null : `${cell.name} (${phone}): ${seen}, not ${promised.join(' or ')}`;
  });
}

/** A start is brought to the point, the blow falls there, and what comes of it is waited for. */
async function play(board: Board, cell: Cell, place: number): Promise<Played> {
  const { context, server, stage, places } = board;
  const { point, provider } = cell;
  const struck = point.without_lanes ? places.plain : places.victim;
  const failpoint = point.failpoint ? { CONVERSAR_FAILPOINT: `${point.failpoint}:stop` } : {};
  const process = await struck.start(failpoint);
  const release = point.locked ? await lockTable(server.settings, point.locked) : async () => undefined;
  const client = openClient({ ...stage.clients, urls: [struck.url, ...stage.urls] });
  const phone = `+55319${8_000 + place}${point.digits}`;
  try {
    const started = client.start({ key: cell.name, phone, provider }, 0);
    await until(`${cell.name}: the point is reached`, () => isThere(cell, process, server, stage, phone), context);
    await strike(board, cell, struck, release);
    // Who lives, and has lanes, goes on by itself.
    const needs_worker = point.without_lanes || cell.blow === 'kill';
    if (needs_worker && !places.worker.running()) await places.worker.start();
    await started;
    return { cell, phone, is_over: await untilOver(stage, cell, phone, struck, context) };
  } finally {
    await release();
    await client.close();
    for (const member of [struck, places.worker]) if (member.running()) await member.end('SIGKILL');
  }
}

async function isThere({ point }: Cell, { child }: Running, server: OwnServer, stage: Stage, phone: string) {
  if (point.failpoint) return / T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
  if (point.locked) return (await countBlocked(server.settings)) > 0;
  return (await readArrived(stage, phone)) > 0;
}

async function strike(board: Board, { name, blow }: Cell, struck: Member, release: () => Promise<void>): Promise<void> {
  const { context, server, stage, places, ready } = board;
  const signal = (name: NodeJS.Signals) => struck.running()?.child.kill(name);
  switch (blow) {
    case 'kill':
      await struck.end('SIGKILL');
      return release();
    case 'freeze':
      signal('SIGSTOP');
      await release();
      await places.worker.start();
      await delay(2 * lease_ms, undefined, { signal: context.signal });
      // It has time for whatever it may still do; at the point it would freeze again.
      for (const until = performance.now() + woken_ms; performance.now() < until; await delay(poll_ms))
        signal('SIGCONT');
      return;
    case 'restart':
      await server.crash();
      // It goes on into a database that is not there.
      signal('SIGCONT');
      return server.untilBack(back_within_ms);
    case 'gone':
      await server.leave();
      signal('SIGCONT');
      await delay(gone_ms, undefined, { signal: context.signal });
      ready.push({ cell: name, status: (await callOver(`${stage.urls[0]}/health/ready`, '', 'GET')).status });
      return server.enter();
  }
}

/** Whether both witnesses say what may be, waiting for it. */
async function untilOver(
  stage: Stage,
  cell: Cell,
  phone: string,
  struck: Member,
  context: TortureContext,
): Promise<boolean> {
  const look = async () => {
    // A second time at the point it would freeze again.
    if (cell.blow !== 'kill') struck.running()?.child.kill('SIGCONT');
    const message = await findMessage(stage, cell, phone);
    return outcomeFor(await readArrived(stage, phone), message?.status) !== null;
  };
  return until(cell.name, look, context, settled_within_ms).then(
    () => true,
    () => {
      context.signal.throwIfAborted();
      return false;
    },
  );
}

/** Under the same key a repeat answers the first message as it is now. */
async function findMessage({ company, urls }: Stage, cell: Cell, phone: string): Promise<Final | null> {
  const body = company.startBody(cell.provider, phone);
  const headers = { 'idempotency-key': cell.name };
  const start = await callOver(`${urls[0]}/v1/attendances`, company.key, 'POST', body, headers);
  if (start.status !== 201) return null;
  const found = await callOver(`${urls[0]}/v1/messages/${start.body.outcome.message_id}`, company.key, 'GET');
  return found.status === 200 ? found.body : null;
}

async function readArrived({ simulator_url }: Stage, phone: string): Promise<number> {
  const to = encodeURIComponent(phone);
  const { body } = await callOver(`${simulator_url}/_received/count?to=${to}`, '', 'GET');
  return body.count;
}

async function until(
  what: string,
  isSo: () => Promise<boolean>,
  { signal }: TortureContext,
  within_ms = reached_within_ms,
): Promise<void> {
  for (const deadline = performance.now() + within_ms; performance.now() < deadline; ) {
    if (await isSo()) return;
    await delay(poll_ms, undefined, { signal });
  }
  throw new Error(`not within ${within_ms / 1_000} s: ${what}`);
}
