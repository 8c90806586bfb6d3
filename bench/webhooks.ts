import { randomBytes } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import { type ConnectionSettings, connect } from '../src/db/connection.ts';
import { migrate } from '../src/db/migrate.ts';
import { createAccount } from '../src/features/accounts/create-account.ts';
import { createKeyForAccount } from '../src/features/accounts/create-api-key.ts';
import { insertEvents } from '../src/features/events/events.repository.ts';
import type { NewEvent } from '../src/features/events/events.schema.ts';
import { tellOfEvents } from '../src/features/events/tell-of-events.ts';
import { createWake } from '../src/lanes/wake.ts';
import { createKeyRing } from '../src/seal.ts';
import type { Bench, BenchContext, Report } from './bench.ts';
import { round, until } from './measure.ts';
import type { OursSettings } from './ours.ts';
import { type Program, startProgram } from './program.ts';
import type { ToTell } from './webhook-floor.ts';
import type { Heard } from './webhook-receiver.ts';

const endpoints = 3;
const events_of_attendance = 10;
const all_workers = [1, 4];
const longest_turn_ms = 2_000;
const warm_up_attendances = 5;
const told_within_ms = 120_000;
const poll_ms = 10;

/** What one program told in its turns. */
interface Told {
  calls: number;
  elapsed_ms: number;
  errors: number;
}

/** Tells the events of so many attendances to all endpoints. */
type Teller = (attendances: number) => Promise<Told>;

export const webhooks: Bench = {
  about: '10 events per attendance to 3 endpoints, by 1 and by 4 workers, beside bare POSTs',
  channels: 0,
  run: async (context: BenchContext): Promise<Report> => {
    const closers: (() => Promise<void>)[] = [];
    try {
      return await measureAll(context, closers);
    } finally {
      for (const close of closers.reverse())
        await close().catch((error: unknown) => context.log.error({ err: error }, 'bench.close_failed'));
    }
  },
};

async function measureAll(context: BenchContext, closers: (() => Promise<void>)[]): Promise<Report> {
  const { server, profile_folder, signal, say, seconds } = context;
  const launch = async <S>(file: string, settings: S) => {
    const program = await startProgram(new URL(file, import.meta.url), settings, { profile_folder, signal });
    closers.push(program.stop);
    return program;
  };
  const receiver = await launch('./webhook-receiver.ts', null);
  const floor = await launch('./webhook-floor.ts', null);
  const settings = await server.createDatabase('webhooks');
  const master_key = randomBytes(32);
  const given = { settings, master_key: master_key.toString('base64') };
  const place = await openPlace(context, closers, { settings, master_key });
  const door = await launch<OursSettings>('./ours.ts', { ...given, role: 'http' });
  const urls = await addEndpoints(door, place.key, receiver.url);
  const bare: Teller = (attendances) => tellBare(context, { floor, receiver, urls, attendances });
  const ours: Teller = (attendances) => tellOurs(context, { place, receiver, attendances });
  const cells: { workers: number; floor: Told; ours: Told }[] = [];
  let running = 0;
  for (const workers of all_workers) {
    // They stay: a lane cannot be halted, so it is walked upwards.
    for (; running < workers; running += 1) await launch<OursSettings>('./ours.ts', { ...given, role: 'worker' });
    say(workers === 1 ? '1 worker' : `${workers} workers`);
    await ours(warm_up_attendances);
    await bare(warm_up_attendances);
    cells.push({ workers, ...(await takeTurns((1_000 * seconds) / all_workers.length, { floor: bare, ours })) });
  }
  return report(cells, context);
}

/** In turns of at most 2 s, as many attendances as each told in that time before. */
async function takeTurns(cell_ms: number, tellers: Record<'floor' | 'ours', Teller>) {
  const turns = Math.max(1, Math.ceil(cell_ms / longest_turn_ms));
  const told = { floor: { calls: 0, elapsed_ms: 0, errors: 0 }, ours: { calls: 0, elapsed_ms: 0, errors: 0 } };
  let attendances = warm_up_attendances;
  for (let turn = 0; turn < turns; turn += 1) {
    for (const name of turn % 2 === 0 ? (['floor', 'ours'] as const) : (['ours', 'floor'] as const)) {
      const one = await tellers[name](attendances);
      told[name].calls += one.calls;
      told[name].elapsed_ms += one.elapsed_ms;
      told[name].errors += one.errors;
    }
    const { calls, elapsed_ms } = told.ours;
    const per_attendance_ms = elapsed_ms / (calls / (endpoints * events_of_attendance));
    attendances = Math.max(warm_up_attendances, Math.round(cell_ms / turns / per_attendance_ms));
  }
  return told;
}

/** An account whose events are written here, as the transactions that change things write them. */
async function openPlace(
  { log, signal }: BenchContext,
  closers: (() => Promise<void>)[],
  { settings, master_key }: { settings: ConnectionSettings; master_key: Buffer },
) {
  await migrate(settings, { log, signal });
  const db = connect(settings, { pool_max: 2, application_name: 'conversar bench', log });
  const wake = createWake(settings, log);
  closers.push(() => db.destroy(), wake.close);
  const ctx = { db, log, now: () => new Date(), signal };
  const key_ring = createKeyRing([{ kid: 'bench', key: master_key }]);
  const { id: account_id } = await createAccount(ctx, key_ring, { name: 'Loja Exemplo' });
  const { key } = await createKeyForAccount(ctx, account_id, { name: 'bench' });
  return { ctx, wake, account_id, key };
}

type BenchPlace = Awaited<ReturnType<typeof openPlace>>;

async function addEndpoints(door: Program, key: string, receiver_url: string): Promise<string[]> {
  const urls = Array.from({ length: endpoints }, (_, place) => `${receiver_url}/crm-${place}`);
  for (const url of urls) {
    const answer = await door.pool.request({
      method: 'POST',
      path: '/v1/webhook-endpoints',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ url }),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 201) throw new Error(`an endpoint could not be made: ${text}`);
  }
  return urls;
}

/** About what an attendance's events carry. */
const data = {
  ...{ id: uuid(), status: 'open', origin: 'active', external_ref: 'crm-123', metadata: { order: '8841' } },
  contact: { id: uuid(), name: 'Ana', phone: '+5531988880001' },
  channel: { id: uuid(), name: 'WhatsApp oficial', type: 'official' },
  team: { id: uuid(), name: 'Comercial' },
  first_message: { id: uuid(), type: 'template', status: 'accepted', text: 'Olá Ana! '.repeat(12), error: null },
  service_window: { status: 'not_started', expires_at: null },
};

function eventsOf(account_id: string, attendances: number): NewEvent[] {
  return Array.from({ length: attendances }, () => uuid()).flatMap((attendance_id) =>
    Array.from({ length: events_of_attendance }, (_, place): NewEvent => {
      const names = { account_id, id: uuid(), attendance_id, attendance_sequence: place + 1, contact_id: uuid() };
      return { ...names, type: 'attendance.opened', data, created_at: new Date() };
    }),
  );
}

async function askReceiver(receiver: Program, method: 'GET' | 'DELETE'): Promise<Heard> {
  const answer = await receiver.pool.request({ method, path: '/' });
  return (await answer.body.json()) as Heard;
}

const missing = (heard: Heard, expected: number) => Math.abs(expected - heard.calls) + heard.repeated;

interface Bare {
  floor: Program;
  receiver: Program;
  urls: string[];
  attendances: number;
}

async function tellBare(_: BenchContext, { floor, receiver, urls, attendances }: Bare): Promise<Told> {
  await askReceiver(receiver, 'DELETE');
  const ids = Array.from({ length: attendances * events_of_attendance }, () => uuid());
  const text = JSON.stringify({ id: uuid(), type: 'attendance.opened', timestamp: new Date(), sequence: 1, data });
  const told: ToTell = { urls, ids, body: text };
  const begun_at = performance.now();
  const answer = await floor.pool.request({
    method: 'POST',
    path: '/',
    body: JSON.stringify(told),
    headersTimeout: told_within_ms,
  });
  await answer.body.dump();
  const elapsed_ms = performance.now() - begun_at;
  const calls = ids.length * urls.length;
  return { calls, elapsed_ms, errors: missing(await askReceiver(receiver, 'GET'), calls) };
}

interface Ours {
  place: BenchPlace;
  receiver: Program;
  attendances: number;
}

/** From the commit of the events until the last endpoint has heard of the last of them. */
async function tellOurs({ signal }: BenchContext, { place, receiver, attendances }: Ours): Promise<Told> {
  await askReceiver(receiver, 'DELETE');
  const events = eventsOf(place.account_id, attendances);
  const calls = events.length * endpoints;
  await insertEvents(place.ctx, events);
  const begun_at = performance.now();
  tellOfEvents(place.wake);
  const isTold = async () => (await askReceiver(receiver, 'GET')).calls >= calls;
  await until(isTold, { poll_ms, within_ms: told_within_ms, what: 'every endpoint heard of every event', signal });
  const elapsed_ms = performance.now() - begun_at;
  return { calls, elapsed_ms, errors: missing(await askReceiver(receiver, 'GET'), calls) };
}

function report(cells: { workers: number; floor: Told; ours: Told }[], { seconds }: BenchContext): Report {
  const perSecond = ({ calls, elapsed_ms }: Told) => round((1_000 * calls) / elapsed_ms);
  const figures = cells.map(({ workers, floor, ours }) => ({
    workers,
    calls: ours.calls,
    ours_per_second: perSecond(ours),
    floor_per_second: perSecond(floor),
    ratio: round(perSecond(ours) / perSecond(floor)),
    errors: ours.errors + floor.errors,
  }));
  return {
    title: `webhooks: deliveries per second, ${endpoints} endpoints, ${events_of_attendance} events per attendance, ${seconds} s per program`,
    head: ['workers', 'ours/s', 'bare POSTs/s', 'ratio', 'deliveries', 'errors'],
    rows: figures.map((one) => [
      ...[one.workers, one.ours_per_second, one.floor_per_second, one.ratio, one.calls, one.errors],
    ]),
    cells: figures,
    chart: {
      title: 'Deliveries per second',
      subtitle: 'On the bars: to bare POSTs in the same run.',
      series: ['bare POSTs', 'ours'],
      groups: figures.map((one) => ({
        name: one.workers === 1 ? '1 worker' : `${one.workers} workers`,
        values: [one.floor_per_second, one.ours_per_second],
        labels: ['1', String(one.ratio)],
      })),
    },
  };
}
