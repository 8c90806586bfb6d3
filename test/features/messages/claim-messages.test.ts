import t from 'tap';
import { connect } from '../../../src/db/connection.ts';
import { type ClaimedMessage, claimMessages } from '../../../src/features/messages/claim.repository.ts';
import { addChannel } from '../../support/add-channel.ts';
import { patience_ms } from '../../support/database.ts';
import { queueMessages, readFacts } from '../../support/queue.ts';
import { type Company, eventually, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const other_db = connect(service.settings, {
  pool_max: 4,
  application_name: 'conversar test',
  log: ctx.log,
  acquire_timeout_ms: patience_ms,
});
t.teardown(() => other_db.destroy());
const lease_ms = 60_000;

/** A gateway channel of its own for each test, fast unless said otherwise; an account of its own too. */
async function openPlace(max_per_second = 1_000, company?: Company) {
  const owner = company ?? (await service.createCompany());
  const channel_id = await addChannel(owner, service.simulator.url, { max_per_second });
  return { company: owner, account_id: owner.account_id, channel_id };
}

const ids = (claimed: ClaimedMessage[]) => claimed.map((message) => message.id);
const claim = async (free: number) => (await claimMessages(ctx, free, lease_ms)).claimed;

/** Claims until nothing more is due. */
async function claimAll(): Promise<ClaimedMessage[]> {
  const all: ClaimedMessage[] = [];
  for (;;) {
    const claimed = await claim(1_000);
    if (claimed.length === 0) return all;
    all.push(...claimed);
  }
}

/** So that what one test leaves queued is not claimed in the next. */
t.afterEach(() => db('messages').where({ state: 'queued' }).update({ state: 'cancelled' }));

t.test('claimMessages', async (t) => {
  t.test('takes what is due and not too late, the oldest first, as many as are asked for', async (t) => {
    const place = await openPlace();
    const later = await queueMessages(db, place, 2, { run_in_s: 60 });
    const late = await queueMessages(db, place, 2, { from: 10, send_within_s: -1 });
    const due = await queueMessages(db, place, 5, { from: 20 });
    t.same(ids(await claim(2)).sort(), due.slice(0, 2).sort());
    t.same(ids(await claimAll()).sort(), due.slice(2).sort());
    for (const id of [...later, ...late]) t.equal((await readFacts(db, id)).state, 'queued');
  });

  t.test('gives each a lease, a fence of its own, and a row for the attempt', async (t) => {
    const place = await openPlace();
    const [first = '', second = ''] = await queueMessages(db, place, 2);
    const claimed = await claim(2);
    const one = claimed.find(({ id }) => id === first);
    t.match(one, {
      ...{ account_id: place.account_id, channel_id: place.channel_id, attempt: 1 },
      ...{ recipient_kind: 'phone', recipient: '+5531900000001', payload: { type: 'text', text: 'Olá!' } },
    });
    const facts = await readFacts(db, first);
    t.match(facts, { state: 'sending', attempt: 1, fence: one?.fence, outcomes: [null] });
    t.ok(facts.leased_s !== null && facts.leased_s > 50 && facts.leased_s <= 60, 'for the lease that was asked for');
    t.not(facts.fence, (await readFacts(db, second)).fence);
    const attempt = await db('attempts').where({ message_id: first }).first();
    t.match(attempt, { number: 1, fence: one?.fence, contact_id: one?.contact_id, finished_at: null });
    t.same(await claim(2), [], 'and to nobody else');
  });

  t.test('takes one for a person in six seconds, whatever address each goes to', async (t) => {
    const place = await openPlace();
    const queued = await queueMessages(db, place, 2, { each: 3 });
    // Once the gateway was asked, the next message goes to the address it gave.
    await db('messages')
      .where({ id: queued[1] })
      .update({ recipient_kind: 'wa_id', recipient: '5531900000001@s.whatsapp.net' });
    const [first, , , fourth] = queued;
    t.same(ids(await claimAll()).sort(), [first, fourth].sort(), 'the oldest of each');
    const shift = (seconds: number) =>
      db('attempts')
        .where({ channel_id: place.channel_id })
        .update({ outcome: 'accepted', finished_at: db.raw(`now() - make_interval(secs => ${seconds})`) });
    await db('attempts')
      .where({ channel_id: place.channel_id })
      .update({ started_at: db.raw(`now() - interval '9 s'`) });
    t.same(await claimAll(), [], 'one that hangs may still arrive');
    // In one transaction, where `now()` stands still.
    await db.transaction(async (trx) => {
      await shift(5.5).transacting(trx);
      t.same((await claimMessages({ db: trx }, 20, lease_ms)).claimed, []);
    });
    await shift(6.1);
    t.same(ids(await claimAll()).sort(), [queued[1], queued[4]].sort());
  });

  t.test('a try that surely sent nothing does not count as one', async (t) => {
    const place = await openPlace();
    const [first, second] = await queueMessages(db, place, 1, { each: 2 });
    t.same(ids(await claim(5)), [first]);
    const end = (outcome: string) =>
      db('attempts').where({ message_id: first }).update({ outcome, finished_at: db.fn.now() });
    for (const outcome of ['accepted', 'refused', 'ambiguous', 'lost']) {
      await end(outcome);
      t.same(await claim(5), [], outcome);
    }
    await end('unavailable');
    t.same(ids(await claim(5)), [second]);
  });

  t.test('accounts take turns: 500 queued in one do not hold up 5 in another', async (t) => {
    const [large, small] = [await openPlace(), await openPlace()];
    await queueMessages(db, large, 500);
    const few = await queueMessages(db, small, 5);
    const first = await claim(8);
    t.equal(first.filter(({ account_id }) => account_id === small.account_id).length, 4);
    t.equal(first.length, 8);
    const second = await claim(8);
    t.same(
      ids([...first, ...second].filter(({ account_id }) => account_id === small.account_id)).sort(),
      [...few].sort(),
      'all five are out after two claims',
    );
  });

  t.test('an account with many channels has no more turns than one with a single channel', async (t) => {
    const many = await openPlace();
    const single = await openPlace();
    const places = [many, ...(await Promise.all([1, 2, 3, 4, 5].map(() => openPlace(1_000, many.company))))];
    for (const [index, place] of places.entries()) await queueMessages(db, place, 3, { from: index * 10 });
    await queueMessages(db, single, 3, { from: 900 });
    const turns: string[] = [];
    for (let turn = 0; turn < 6; turn += 1) turns.push(...(await claim(1)).map(({ account_id }) => account_id));
    t.equal(turns.filter((account_id) => account_id === single.account_id).length, 3, turns.join(' '));
  });

  t.test('says when a sender that has no token left has its next turn', async (t) => {
    const place = await openPlace(1);
    await queueMessages(db, place, 2);
    const first = await claimMessages(ctx, 10, lease_ms);
    t.equal(first.claimed.length, 1);
    const { claimed, again_in_ms } = await claimMessages(ctx, 10, lease_ms);
    t.same(claimed, []);
    for (const ms of [first.again_in_ms, again_in_ms]) t.ok(ms !== null && ms > 0 && ms <= 1_000, `${ms} ms`);
    await db('attempts')
      .where({ message_id: first.claimed[0]?.id })
      .update({ finished_at: db.fn.now(), outcome: 'accepted' });
    const again = await eventually(
      () => claim(10),
      (found) => found.length > 0,
    );
    t.equal(again.length, 1);
  });

  t.test(
    'says at once whether more may be due already: of a sender beyond its share, of senders beyond the free slots',
    async (t) => {
      const places = [await openPlace(), await openPlace()];
      for (const place of places) await queueMessages(db, place, 3);
      t.match(
        await claimMessages(ctx, 4, lease_ms),
        { claimed: { length: 4 }, again_in_ms: 0 },
        'two of each, one is left',
      );
      t.match(await claimMessages(ctx, 1, lease_ms), { claimed: { length: 1 }, again_in_ms: 0 }, 'one sender of two');
      t.match(
        await claimMessages(ctx, 10, lease_ms),
        { claimed: { length: 1 }, again_in_ms: null },
        'and that was all',
      );
    },
  );

  t.test('does not come back at once for senders whose recipients all have to wait', async (t) => {
    const places = [await openPlace(), await openPlace()];
    for (const place of places) await queueMessages(db, place, 1, { each: 2 });
    const first = await claimMessages(ctx, 10, lease_ms);
    t.equal(first.claimed.length, 2, 'one to each');
    t.match(await claimMessages(ctx, 2, lease_ms), { claimed: [], again_in_ms: null });
    t.match(await claimMessages(ctx, 10, lease_ms), { claimed: [], again_in_ms: null });
  });

  t.test('says nothing when nothing waits for a token', async (t) => {
    t.same(await claimMessages(ctx, 10, lease_ms), { claimed: [], again_in_ms: null });
    const place = await openPlace(1);
    await queueMessages(db, place, 1);
    t.equal((await claimMessages(ctx, 10, lease_ms)).claimed.length, 1);
    t.same(await claimMessages(ctx, 10, lease_ms), { claimed: [], again_in_ms: null }, 'though its sender waits');
  });

  t.test('two processes at once never take the same message', async (t) => {
    const places = [await openPlace(), await openPlace(), await openPlace()];
    const queued: string[] = [];
    for (const place of places) queued.push(...(await queueMessages(db, place, 40)));
    const claimed: string[] = [];
    const work = async (pool: typeof db) => {
      // Who meets another's locks claims nothing, and asks again.
      for (const until = Date.now() + patience_ms; claimed.length < queued.length && Date.now() < until; )
        claimed.push(...ids((await claimMessages({ db: pool }, 6, lease_ms)).claimed));
      claimed.push(...ids((await claimMessages({ db: pool }, 6, lease_ms)).claimed));
    };
    await Promise.all([work(db), work(other_db), work(db), work(other_db)]);
    t.equal(claimed.length, queued.length, 'all are taken');
    t.same([...claimed].sort(), [...queued].sort(), 'each once');
    const rows = await db('attempts').whereIn('message_id', queued).count('* as count');
    t.same(rows, [{ count: queued.length }]);
    for (const id of queued.slice(0, 5)) t.match(await readFacts(db, id), { attempt: 1, outcomes: [null] });
  });

  t.test('an account that is deleted meanwhile leaves nothing to claim', async (t) => {
    const place = await openPlace();
    await queueMessages(db, place, 1);
    await db('attendances').where({ account_id: place.account_id }).delete();
    t.same(await claim(5), []);
  });
});
