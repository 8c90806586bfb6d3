import { randomBytes } from 'node:crypto';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { dropOldQuarantine } from '../../../src/features/inbound/drop-old-quarantine.ts';
import { releaseLost } from '../../../src/features/inbound/inbound.repository.ts';
import { captureLog } from '../../support/log.ts';
import { eventually, startService } from '../../support/service.ts';

const day_ms = 86_400_000;
const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const companies = [await service.createCompany(), await service.createCompany()] as const;
const [company] = companies;

t.beforeEach(async () => {
  await db('inbound_bodies').delete();
  await db('inbound_items').delete();
});

/** Ids of one millisecond are in the order in which they were kept. */
let kept = 0;
/** A body, or an event of one, that came in so many days ago; with what is said of its state. */
async function keep(table: 'inbound_bodies' | 'inbound_items', days: number, more: object = {}): Promise<string> {
  const received_at = new Date(Date.now() - days * day_ms);
  kept += 1;
  const id = uuid({ msecs: received_at.getTime(), seq: kept });
  const event = { body_id: id, place: 0, kind: 'message', event: randomBytes(8), run_at: received_at };
  const { account_id, official_id: channel_id } = company;
  const row = table === 'inbound_bodies' ? { id, body: randomBytes(8) } : event;
  const state = { state: 'quarantined', reason: 'of the test' };
  await db(table).insert({ account_id, channel_id, received_at, ...row, ...state, ...more } as never);
  return id;
}

const left = async () => [
  ...(await db('inbound_bodies').orderBy('id')).map(({ id }) => id),
  ...(await db('inbound_items').orderBy('body_id')).map(({ body_id }) => body_id),
];

t.test('what is in quarantine goes with its age, in every account, and nothing younger or that waits', async (t) => {
  const { log, lines } = captureLog();
  const [, other] = companies;
  const theirs = { account_id: other.account_id, channel_id: other.unofficial_id };
  await keep('inbound_bodies', 40);
  await keep('inbound_bodies', 31.01);
  await keep('inbound_bodies', 40, theirs);
  await keep('inbound_items', 40);
  await keep('inbound_items', 40, theirs);
  const kept = [
    await keep('inbound_bodies', 50, { state: 'due' }),
    await keep('inbound_bodies', 30.99),
    await keep('inbound_items', 50, { state: 'due' }),
    await keep('inbound_items', 30.99),
  ];
  t.equal(await dropOldQuarantine({ ...ctx, log }, 31), 5);
  t.same(await left(), kept);
  t.match(
    lines()
      .map(({ msg, channel_id, dropped }) => `${msg} ${channel_id} ${dropped}`)
      .toSorted(),
    [
      `inbound.dropped ${company.official_id} 1`,
      `inbound.dropped ${company.official_id} 2`,
      `inbound.dropped ${other.unofficial_id} 1`,
      `inbound.dropped ${other.unofficial_id} 1`,
    ].toSorted(),
  );
  t.equal(await dropOldQuarantine(ctx, 31), 0);
});

t.test('at most 1,000 at once', async (t) => {
  const received_at = new Date(Date.now() - 40 * day_ms);
  const { account_id, official_id: channel_id } = company;
  const rows = Array.from({ length: 1_001 }, () => ({
    ...{ account_id, channel_id, received_at, id: uuid({ msecs: received_at.getTime() }), body: randomBytes(8) },
    ...{ state: 'quarantined', reason: 'of the test' },
  }));
  await db.batchInsert('inbound_bodies', rows as never, 500);
  t.equal(await dropOldQuarantine(ctx, 31), 1_000);
  t.equal(await dropOldQuarantine(ctx, 31), 1);
});

const patience = { most: 5, most_waits: 64, waits: 'not known yet' };

t.test('a lease that has passed makes due again, and after 5 tries puts aside, unless it waits', async (t) => {
  const held = (tries: object, lease_s: number) => ({
    ...{ state: 'working', reason: 'of before', fence: 7, ...tries },
    lease_until: db.raw(`now() + ${lease_s} * interval '1 second'`),
  });
  for (const attempt of [4, 5]) await keep('inbound_bodies', 0, held({ attempt }, -1));
  await keep('inbound_bodies', 0, held({ attempt: 5 }, 60));
  for (const tries of [4, 5]) await keep('inbound_items', 0, held({ tries }, -1));
  await keep('inbound_items', 0, held({ tries: 5 }, 60));
  for (const tries of [63, 64]) await keep('inbound_items', 0, held({ tries, reason: patience.waits }, -1));
  t.equal(await releaseLost(ctx, patience), 6);
  const free = { lease_until: null };
  const columns = ['state', 'reason', 'lease_until'] as const;
  t.match(
    await db('inbound_bodies')
      .orderBy('id')
      .select('attempt', ...columns),
    [
      { state: 'due', attempt: 4, reason: 'of before', ...free },
      { state: 'quarantined', attempt: 5, reason: 'its expansion never ended', ...free },
      { state: 'working', attempt: 5, lease_until: Date },
    ],
  );
  t.match(
    await db('inbound_items')
      .orderBy('body_id')
      .select('tries', ...columns),
    [
      { state: 'due', tries: 4, reason: 'of before', ...free },
      { state: 'quarantined', tries: 5, reason: 'of before', ...free },
      { state: 'working', tries: 5, lease_until: Date },
      { state: 'due', tries: 63, reason: patience.waits, ...free },
      { state: 'quarantined', tries: 64, reason: patience.waits, ...free },
    ],
  );
  t.equal(await releaseLost(ctx, patience), 0);
});

t.test('the service drops by itself what came in before the oldest event that is kept', async (t) => {
  await keep('inbound_bodies', 366);
  await keep('inbound_items', 366);
  const kept = await keep('inbound_bodies', 364);
  service.startLanes();
  t.same(await eventually(left, (ids) => ids.length === 1), [kept]);
});
