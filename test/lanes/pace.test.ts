import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { connect } from '../../src/db/connection.ts';
import { type ClaimedMessage, claimMessages } from '../../src/features/messages/claim.repository.ts';
import { insertSender } from '../../src/lanes/pace.ts';
import { addChannel } from '../support/add-channel.ts';
import { patience_ms } from '../support/database.ts';
import { queueMessages } from '../support/queue.ts';
import { eventually, startService } from '../support/service.ts';

const service = await startService(t, { with_lanes: false });
const { db, ctx } = service;
const company = await service.createCompany();
const other_db = connect(service.settings, {
  pool_max: 4,
  application_name: 'conversar test',
  log: ctx.log,
  acquire_timeout_ms: patience_ms,
});
t.teardown(() => other_db.destroy());

const least_ms = 2_300;

const openChannel = async (max_per_second: number) => ({
  account_id: company.account_id,
  channel_id: await addChannel(company, service.simulator.url, { max_per_second }),
});

/** The most that any second saw; a second counts as 998 ms, since times are kept in whole ones. */
const busiest = async (channel_id: string): Promise<number> => {
  const { rows } = await db.raw<{ rows: { most: number }[] }>(
    `select max(n) as most from (
       select count(*) over (order by started_at range between '998 milliseconds' preceding and current row) as n
         from attempts where channel_id = ?) seconds`,
    [channel_id],
  );
  return rows[0]?.most ?? 0;
};

const endAttempts = (messages: Pick<ClaimedMessage, 'id' | 'attempt'>[]) =>
  db('attempts')
    .whereIn(
      ['message_id', 'number'],
      messages.map(({ id, attempt }) => [id, attempt]),
    )
    .update({ finished_at: db.fn.now(), outcome: 'accepted' });

t.test('no second sees more messages of a channel than its pace, however often two processes ask', async (t) => {
  const paces = [1, 7, 80];
  const places = await Promise.all(paces.map(openChannel));
  for (const [index, place] of places.entries()) await queueMessages(db, place, 400, { from: index * 1_000 });
  const taken: string[] = [];
  const takenOf = (place: (typeof places)[number] | undefined) =>
    taken.filter((one) => one === place?.channel_id).length;
  const began = performance.now();
  const goesOn = () => {
    const took_ms = performance.now() - began;
    const have_all = paces.every((pace, index) => takenOf(places[index]) > pace);
    return took_ms < least_ms || (!have_all && took_ms < patience_ms);
  };
  const ask = async (pool: typeof db) => {
    while (goesOn()) {
      const { claimed } = await claimMessages({ db: pool }, 500, 60_000);
      taken.push(...claimed.map(({ channel_id }) => channel_id));
      await endAttempts(claimed);
      await delay(2);
    }
  };
  await Promise.all([ask(db), ask(other_db)]);
  await db('messages').where({ state: 'queued' }).update({ state: 'cancelled' });
  for (const [index, pace] of paces.entries()) {
    const place = places[index];
    const [most, all] = [await busiest(place?.channel_id ?? ''), takenOf(place)];
    t.ok(most <= pace, `pace ${pace}: at most ${most} in a second`);
    t.ok(all > pace, `pace ${pace}: ${all} in all`);
  }
});

t.test('a bucket that nobody emptied holds a tenth of a second, not what time would have given', async (t) => {
  const place = await openChannel(50);
  await queueMessages(db, place, 100, { from: 500_000 });
  await db('senders')
    .where({ channel_id: place.channel_id })
    .update({ refilled_at: db.raw(`now() - interval '1 hour'`) });
  t.equal((await claimMessages(ctx, 500, 60_000)).claimed.length, 5);
  await db('messages').where({ state: 'queued' }).update({ state: 'cancelled' });
});

/** As much time as bucket and turn want, without waiting for it. */
const passTime = (channel_id: string) =>
  db('senders')
    .where({ channel_id })
    .update({ tokens: 1, refilled_at: db.raw(`now() - interval '1 hour'`), next_at: '-infinity' });
const endedAt = (message: ClaimedMessage | undefined, at: string) =>
  db('attempts')
    .where({ message_id: message?.id })
    .update({ finished_at: db.raw(`now() + interval '${at}'`), outcome: 'accepted' });
/** Whether what SQL says of the sender and its attempts is true. */
const holds = async (channel_id: string, condition: string) => {
  const { rows } = await db.raw<{ rows: { holds: boolean }[] }>(
    `select ${condition} as holds from senders s join attempts a on a.channel_id = s.channel_id
      where s.channel_id = ? group by s.account_id, s.channel_id`,
    [channel_id],
  );
  return rows[0]?.holds;
};

t.test('a message in the air keeps its seat until a second after its end, however full the bucket', async (t) => {
  const place = await openChannel(2);
  await queueMessages(db, place, 10, { from: 510_000 });
  const claimAll = async () => {
    const claimed: ClaimedMessage[] = [];
    for (let round = 0; round < 4; round += 1) {
      await passTime(place.channel_id);
      claimed.push(...(await claimMessages(ctx, 500, 60_000)).claimed);
    }
    return claimed;
  };
  const [one, other, ...more] = await claimAll();
  t.ok(one && other && more.length === 0, 'as many as it has seats');
  t.ok(
    await holds(place.channel_id, `s.next_at >= max(a.started_at) + interval '999 ms'`),
    'and no turn before one of them can be free',
  );
  await db('attempts')
    .where({ message_id: one?.id })
    .update({ started_at: db.raw(`now() - interval '9 seconds'`) });
  t.same(await claimAll(), [], 'one that is slow keeps it');
  await endedAt(one, '1 minute');
  t.same(await claimAll(), [], 'and so does one that has ended');
  await endedAt(one, '-1001 ms');
  t.equal((await claimAll()).length, 1, 'a second after its end it is free');
  await db('attempts')
    .where({ message_id: other?.id })
    .update({ started_at: db.raw(`now() - interval '121 seconds'`) });
  t.equal((await claimAll()).length, 1, 'an attempt that nobody can be at any more keeps none');
  await db('messages').where({ state: 'queued' }).update({ state: 'cancelled' });
});

t.test('the next turn of a sender without a seat is when the first one is free', async (t) => {
  const place = await openChannel(1);
  await queueMessages(db, place, 10, { from: 520_000 });
  const [one] = (await claimMessages(ctx, 500, 60_000)).claimed;
  const claimAfterEnd = async () => {
    await endedAt(one, '-100 ms');
    await passTime(place.channel_id);
    await claimMessages(ctx, 500, 60_000);
    return holds(place.channel_id, `s.next_at = min(a.finished_at) + interval '1 second'`);
  };
  // Again where the machine took longer than the second.
  t.equal(await eventually(claimAfterEnd, (is_exact) => is_exact === true), true);
  await db('messages').where({ state: 'queued' }).update({ state: 'cancelled' });
});

t.test('insertSender gives a channel a full bucket, and a new pace of the channel is its sender’s too', async (t) => {
  const place = await openChannel(30);
  const sender = () => db('senders').where({ channel_id: place.channel_id }).first();
  t.match(await sender(), { max_per_second: 30, tokens: 3 });
  await db('channels').where({ id: place.channel_id }).update({ max_per_second: 40 });
  t.match(await sender(), { max_per_second: 40 });
  await t.rejects(
    insertSender({ db, account_id: place.account_id }, { id: place.channel_id, max_per_second: 41 }),
    'one of another pace than its channel is refused',
  );
});
