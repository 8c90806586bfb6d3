import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from '../test/support/process.ts';
import { callOver } from '../test/support/remote-company.ts';
import type { Final } from './check-logs.ts';
import { promise_of_leases } from './check-logs.ts';
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
}

interface Played {
  cell: Cell;
  phone: string;
  /** What was seen in the end; null: nothing of what may be. */
  seen: Outcome | null;
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
  const board: Board = { context, server, stage, places: { victim, plain, worker } };
  const cells = listCells(providers).filter(({ name }) => name.includes(context.only));
  const played: Played[] = [];
  for (const cell of cells.slice(0, context.rounds ?? cells.length)) {
    if (context.isOver()) break;
    context.say(cell.name);
    played.push(await play(board, cell, played.length));
  }
  await worker.start();
  const { findings, evidence } = await stage.judge(['read']);
  return {
    title: 'A crash at every point',
    figures: {
      'cells of the matrix': listCells(providers).length,
      'cells played': played.length,
      'ended as sent once': played.filter(({ seen }) => seen === 'sent once').length,
      'ended as a doubt, unsent': played.filter(({ seen }) => seen === 'a doubt, unsent').length,
      requests: evidence.tries.length,
    },
    findings: [judgeCells(played), ...findings.map(withoutGone)],
  };
}

/** While there is no database nobody can end a lease. */
function withoutGone(one: Finding): Finding {
  if (one.promise !== promise_of_leases) return one;
  return { ...one, broken: one.broken.filter((said) => !said.includes(', gone, ')) };
}

function judgeCells(played: Played[]): Finding {
  return finding('each cell ends as its point promises', played, ({ cell, phone, seen }) => {
    const promised = cell.point.promised(cell.blow);
    return seen && promised.includes(seen) ? null : `${cell.name} (${phone}): ${seen}, not ${promised.join(' or ')}`;
  });
}

/** A start is brought to the point, the blow falls there, and what comes of it is waited for. */
async function play({ context, server, stage, places }: Board, cell: Cell, place: number): Promise<Played> {
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
    await strike({ context, server, stage, places }, cell, struck, release);
    // Who lives, and has lanes, goes on by itself.
    const needs_worker = point.without_lanes || cell.blow === 'kill';
    if (needs_worker && !places.worker.running()) await places.worker.start();
    await started;
    return { cell, phone, seen: await outcomeOf(stage, cell, phone, struck, context) };
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

async function strike(board: Board, { blow }: Cell, struck: Member, release: () => Promise<void>): Promise<void> {
  const { context, server, places } = board;
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
      return void signal('SIGCONT');
    case 'restart':
      await server.crash();
      // It goes on into a database that is not there.
      signal('SIGCONT');
      return server.untilBack(back_within_ms);
    case 'gone':
      await server.leave();
      signal('SIGCONT');
      await delay(gone_ms, undefined, { signal: context.signal });
      return server.enter();
  }
}

/** What both witnesses say, once it is what may be; null when it never is. */
async function outcomeOf(
  stage: Stage,
  cell: Cell,
  phone: string,
  struck: Member,
  context: TortureContext,
): Promise<Outcome | null> {
  let seen: Outcome | null = null;
  const look = async () => {
    // A second time at the point it would freeze again.
    if (cell.blow !== 'kill') struck.running()?.child.kill('SIGCONT');
    const message = await findMessage(stage, cell, phone);
    const arrived = await readArrived(stage, phone);
    seen = arrived === 1 && message?.status === 'read' ? 'sent once' : null;
    if (arrived === 0 && message?.status === 'unknown') seen = 'a doubt, unsent';
    return seen !== null;
  };
  await until(cell.name, look, context, settled_within_ms).catch(() => context.signal.throwIfAborted());
  return seen;
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
