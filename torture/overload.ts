import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { openServer } from '../bench/database.ts';
import { type ConnectionSettings, clientConfig } from '../src/db/connection.ts';
import { type Company, providers } from './company.ts';
import { openStage } from './stage.ts';
import { finding, type Report, type Torture, type TortureContext } from './torture.ts';
import { openWires, type Shot, type Wires } from './wires.ts';

/** Seconds of each part, unless `--rounds` says how long the overload lasts. */
const overload_s = 20;
const ladder = [8, 16, 32, 64];
const ladder_s = 3;
const times = 5;
const least_share = 0.8;
const normal_within_ms = 10_000;
const normal_at_once = 16;
/** A second of normal load that is no slower than this many times what it was before. */
const slower_at_most = 2;
const given_up_ms = 15_000;
const probed_for_ms = 40_000;
/** As many as the clients hold open; what is due while all of them wait is not sent, for no person waits for ever. */
const connections = 2_000;
const tick_ms = 10;

export const overload: Torture = { about: 'five times the starts that it can take', run };

interface Burst {
  shots: Shot[];
  begun_at: number;
  elapsed_ms: number;
}

async function run(context: TortureContext): Promise<Report> {
  const server = await openServer(process.env.TEST_DATABASE_URL, context.log, context.signal);
  context.teardown(server.close);
  const settings = await server.createDatabase('overload');
  const stage = await openStage(context, {
    name: 'overload',
    settings,
    commands: ['serve'],
    // As it is delivered: here a machine that is short of time is an overload.
    env: { CONVERSAR_MAX_EVENT_LOOP_DELAY_MS: '1000', CONVERSAR_SWEEP_MS: '1000' },
    has_webhooks: false,
    logs_to_files: true,
  });
  const { hostname, port } = new URL(stage.urls[0] ?? '');
  const wires = await openWires(stage.urls[0] ?? '', connections, given_up_ms);
  context.teardown(wires.close);
  const shoot = shooterOf(wires, stage.company, `${hostname}:${port}`);

  context.say('what it can take');
  await closedLoop(shoot, normal_at_once, 2_000, context);
  await analyze(settings);
  const bests: { at_once: number; burst: Burst }[] = [];
  for (const at_once of ladder) {
    bests.push({ at_once, burst: await closedLoop(shoot, at_once, ladder_s * 1_000, context) });
  }
  const best = Math.max(...bests.map(({ burst }) => goodputOf(burst)));
  const normal = bests.find(({ at_once }) => at_once === normal_at_once)?.burst;
  if (!normal || best === 0) throw new Error('nothing was started before the overload');

  context.say(`${times} × ${Math.round(best)} per second`);
  const burst = await openLoop(wires, shoot, times * best, (context.rounds ?? overload_s) * 1_000, context);
  context.say('back to normal');
  const normal_after_ms = await untilNormal(shoot, normal, burst.begun_at + burst.elapsed_ms, context);
  return reportOverload({ best, burst, normal_after_ms, normal });
}

/** As autovacuum does within a minute: plans that were made for empty tables are slow on full ones. */
async function analyze(settings: ConnectionSettings): Promise<void> {
  const client = new pg.Client(clientConfig(settings, 'conversar torture'));
  await client.connect();
  await client.query('analyze').finally(() => client.end());
}

interface Measured {
  best: number;
  burst: Burst;
  normal: Burst;
  normal_after_ms: number | null;
}

function reportOverload({ best, burst, normal, normal_after_ms }: Measured): Report {
  const share = goodputOf(burst) / best;
  const count = (isOne: (shot: Shot) => boolean) => burst.shots.filter(isOne).length;
  return {
    title: 'Five times the starts that it can take',
    figures: {
      'best, starts per second': Math.round(best),
      'sent, per second': Math.round((1_000 * burst.shots.length) / burst.elapsed_ms),
      'answered 201': count(isGood),
      'answered 429 or 503': count(({ status }) => status === 429 || status === 503),
      'without an answer': count(({ status }) => status === null),
      'goodput, per second': Math.round(goodputOf(burst)),
      'goodput, share of the best': share.toFixed(2),
      'p95 before, ms': Math.round(percentile(normal.shots.filter(isGood))),
      'p95 of the 201s under it, ms': Math.round(percentile(burst.shots.filter(isGood))),
      'normal after, ms': normal_after_ms,
    },
    findings: [
      finding('only 429 and 503 beside the 2xx', burst.shots, (shot) =>
        isGood(shot) || shot.status === 429 || shot.status === 503 ? null : `${shot.status ?? shot.broke}`,
      ),
      finding('goodput is at least 80 % of the best', [share], (one) =>
        one >= least_share ? null : `${Math.round(100 * one)} %`,
      ),
      finding('back to normal within 10 s', [normal_after_ms], (ms) =>
        ms !== null && ms <= normal_within_ms ? null : `${ms ?? `not in ${probed_for_ms}`} ms`,
      ),
    ],
  };
}

const isGood = ({ status }: Shot) => status !== null && status < 300;

/** Per second, of those that were answered within the burst's own time. */
function goodputOf({ shots, begun_at, elapsed_ms }: Burst): number {
  const in_time = shots.filter((shot) => isGood(shot) && shot.answered_at <= begun_at + elapsed_ms);
  return (1_000 * in_time.length) / elapsed_ms;
}

function percentile(shots: Shot[]): number {
  const sorted = shots.map(({ took_ms }) => took_ms).toSorted((a, b) => a - b);
  return sorted[Math.floor(0.95 * sorted.length)] ?? 0;
}

/** Each start to a new number under a new key. */
function shooterOf(wires: Wires, company: Company, host: string): () => Promise<Shot> {
  let place = 0;
  return () => {
    place += 1;
    const phone = `+55319${8_000 + Math.floor(place / 9_000)}${1_000 + (place % 9_000)}`;
    const body = JSON.stringify(company.startBody(providers[place % providers.length] ?? 'evolution', phone));
    const head = [
      'POST /v1/attendances HTTP/1.1',
      `host: ${host}`,
      `authorization: Bearer ${company.key}`,
      'content-type: application/json',
      `idempotency-key: ${phone}`,
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    return wires.shoot(`${head.join('\r\n')}\r\n\r\n${body}`);
  };
}

/** The next one leaves when one was answered. */
async function closedLoop(
  shoot: () => Promise<Shot>,
  at_once: number,
  for_ms: number,
  { signal }: TortureContext,
): Promise<Burst> {
  const shots: Shot[] = [];
  const begun_at = performance.now();
  const elapsed = () => performance.now() - begun_at;
  const runOne = async () => {
    while (elapsed() < for_ms && !signal.aborted) shots.push(await shoot());
  };
  await Promise.all(Array.from({ length: at_once }, runOne));
  return { shots, begun_at, elapsed_ms: elapsed() };
}

/** So many leave in each second, whatever becomes of those before, while there are connections; the time ends with the last. */
async function openLoop(
  wires: Wires,
  shoot: () => Promise<Shot>,
  per_second: number,
  for_ms: number,
  { signal }: TortureContext,
): Promise<Burst> {
  const sent: Promise<Shot>[] = [];
  let due_before = 0;
  const begun_at = performance.now();
  const elapsed = () => performance.now() - begun_at;
  while (elapsed() < for_ms && !signal.aborted) {
    const due = Math.floor((per_second * elapsed()) / 1_000);
    for (; due_before < due; due_before += 1) if (wires.free() > 0) sent.push(shoot());
    await delay(tick_ms);
  }
  const elapsed_ms = elapsed();
  return { shots: await Promise.all(sent), begun_at, elapsed_ms };
}

/**
 * When the first second of ordinary load was as good as before, in ms after the last of the overload left: until all of that is
 * answered counts, too. Null: it never was.
 */
async function untilNormal(
  shoot: () => Promise<Shot>,
  normal: Burst,
  over_at: number,
  context: TortureContext,
): Promise<number | null> {
  const elapsed = () => performance.now() - over_at;
  while (elapsed() < probed_for_ms && !context.signal.aborted) {
    const window_began_ms = elapsed();
    const burst = await closedLoop(shoot, normal_at_once, 1_000, context);
    const is_fast = percentile(burst.shots.filter(isGood)) <= slower_at_most * percentile(normal.shots.filter(isGood));
    const is_enough = goodputOf(burst) >= least_share * goodputOf(normal);
    if (is_fast && is_enough && burst.shots.every(isGood)) return Math.round(window_began_ms);
  }
  return null;
}
