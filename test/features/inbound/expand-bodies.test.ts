import t from 'tap';
import { expandBodies } from '../../../src/features/inbound/expand-bodies.ts';
import { claimBodies } from '../../../src/features/inbound/inbound.repository.ts';
import { most_places } from '../../../src/features/inbound/message-id.ts';
import { createInbound, newId } from '../../support/inbound.ts';
import { startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const company = await service.createCompany();
const { gateway, deliver, deliverAll, metadata } = createInbound(service, company);
const lease_ms = 600_000;

t.beforeEach(async () => {
  await db('inbound_bodies').delete();
  await db('inbound_items').delete();
});

/** A body of so many events of which nothing is for us. */
const tell = (events: number) =>
  gateway(
    'messages.set',
    Array.from({ length: events }, () => 0),
  );
const bodies = () => db('inbound_bodies').orderBy('id').select('state', 'attempt', 'reason', 'lease_until');

/** A body of these bytes. */
async function post(text: string): Promise<unknown> {
  const { body: channel } = await company.get(`/v1/channels/${company.unofficial_id}`);
  const url = `/v1/inbound/${company.unofficial_id}/${channel.webhook.verify_token}`;
  return service.send(null, 'POST', url, text, { 'content-type': 'application/json' });
}

/** A body of texts of so many people. */
async function write(people: number): Promise<void> {
  const texts = Array.from({ length: people }, (_, place) => ({
    ...{ from: String(5_531_970_000_000 + place), id: newId(), timestamp: '1790000000', type: 'text' },
    text: { body: `texto ${place}` },
  }));
  await deliver({ messaging_product: 'whatsapp', metadata, contacts: [], messages: texts });
}

/** As the lane does it; with a lease that has no time left, the first part alone is begun. */
async function expand({ has_time = true } = {}): Promise<number> {
  const deps = { vaults: service.vaults, lease_ms: has_time ? lease_ms : 0, public_url: 'http://conversar.test' };
  return expandBodies(ctx, deps as never, await claimBodies(ctx, 1, lease_ms));
}

t.test('what does not fit into the lease is given back, unread, as if it had not been claimed', async (t) => {
  for (const events of [200, 200, 150, 150]) await tell(events);
  await post('no JSON');
  await expand({ has_time: false });
  const due = { state: 'due', attempt: 0, reason: null, lease_until: null };
  t.same(await bodies(), [due, due, due], 'two were of the first part');
  await expand();
  t.match(await bodies(), [{ state: 'quarantined', attempt: 1, reason: 'the body is no JSON' }]);
});

t.test('a body that cannot be read is put aside with its reason, and those beside it are expanded', async (t) => {
  await tell(1);
  const depth = 200_000;
  await post(`{"text":"\\u0000","nested":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  await tell(1);
  const [, , last] = await db('inbound_bodies').orderBy('id').select('id');
  await tell(1);
  await db('inbound_bodies')
    .where({ id: last?.id })
    .update({ body: Buffer.alloc(64) });
  await expand();
  const aside = { state: 'quarantined', attempt: 1, reason: /^the body cannot be read: ./ };
  t.match(await bodies(), [aside, aside]);
  t.equal((await bodies()).length, 2);
});

t.test('a body of more events than have ids is put aside, and one of as many is expanded', async (t) => {
  await tell(most_places);
  await tell(most_places + 1);
  await expand();
  t.match(await bodies(), [{ state: 'quarantined', reason: 'the body tells of 4097 events, and may of 4096' }]);
  t.equal((await bodies()).length, 1);
});

t.test(
  'a large body is applied in slices, each in a transaction of its own, and its lease begins anew with each',
  async (t) => {
    await db.raw(`create table slices (txid bigint, place serial, shortest timestamptz, longest timestamptz)`);
    await db.raw(`create function note_slice() returns trigger language plpgsql as $$ begin
    insert into slices (txid, shortest, longest)
      select txid_current(), min(lease_until), max(lease_until) from inbound_bodies where state = 'working';
    return new; end $$`);
    await db.raw('create trigger note before insert on messages for each row execute function note_slice()');
    t.teardown(() => db.raw('drop trigger note on messages'));
    await write(401);
    await write(1);
    t.equal(await expand(), 402);
    t.same(await bodies(), []);
    const slices = await db('slices' as 'messages')
      .select(db.raw('count(*) as events'), db.raw('min(shortest) as shortest'), db.raw('max(longest) as longest'))
      .groupBy('txid' as 'id')
      .orderByRaw('min(place)');
    t.match(slices, [{ events: 200 }, { events: 200 }, { events: 1 }, { events: 1 }]);
    const leases = slices.slice(0, 3).map(({ shortest, longest }) => {
      t.same(shortest, longest, 'that of a body behind it, too');
      return Number(shortest);
    });
    t.same([...new Set(leases)].toSorted(), leases, 'later each time');
  },
);

t.test('whose lease was lost between two slices goes no further, and the next one has no second effect', async (t) => {
  await write(201);
  const before = await db('messages').count().first();
  const claimed = await claimBodies(ctx, 1, lease_ms);
  await db('inbound_bodies').update({ fence: db.raw(`nextval('fences')`) });
  const deps = { vaults: service.vaults, lease_ms, public_url: 'http://conversar.test' };
  await t.rejects(expandBodies(ctx, deps as never, claimed), /the lease of a body ended/);
  t.match(await bodies(), [{ state: 'working' }]);
  const made = async () => Number((await db('messages').count().first())?.count) - Number(before?.count);
  t.equal(await made(), 200);
  await db('inbound_bodies').update({ state: 'due', fence: null, lease_until: null });
  t.equal(await expand(), 1);
  t.equal(await made(), 201);
  t.same(await bodies(), []);
});

t.test(
  'what could not be applied of any slice is kept in its place, and a poisoned one takes its slice apart alone',
  async (t) => {
    const statuses = Array.from({ length: 200 }, () => ({
      ...{ id: newId(), status: 'delivered', timestamp: '1790000000', recipient_id: '5531970000001' },
    }));
    await db.raw(`create function refuse_poison() returns trigger language plpgsql as
    $$ begin if new.text = 'poison' then raise exception 'poisoned'; end if; return new; end $$`);
    await db.raw('create trigger poison before insert on messages for each row execute function refuse_poison()');
    t.teardown(() => db.raw('drop trigger poison on messages'));
    const poison = {
      ...{ from: '5531970000002', id: newId(), timestamp: '1790000000', type: 'text', text: { body: 'poison' } },
    };
    const changeOf = (value: object) => ({ field: 'messages', value: { metadata, contacts: [], ...value } });
    await deliverAll([changeOf({ statuses }), changeOf({ messages: [poison] })]);
    t.equal(await expand(), 0);
    t.same(await bodies(), []);
    const kept = await db('inbound_items').orderBy('place').select('place', 'kind', 'reason');
    t.same(
      kept.map(({ place }) => place),
      Array.from({ length: 201 }, (_, place) => place),
    );
    t.match(kept.at(0), { kind: 'status', reason: /^no message of ours/ });
    t.match(kept.at(-1), { kind: 'message', reason: /poisoned/ });
  },
);

t.test('a body that an erasure took while one before it was applied is not applied', async (t) => {
  await write(201);
  await write(1);
  const claimed = await claimBodies(ctx, 1, lease_ms);
  const gone = claimed.at(-1)?.id ?? '';
  await db('inbound_bodies').where({ id: gone }).delete();
  const deps = { vaults: service.vaults, lease_ms, public_url: 'http://conversar.test' };
  t.equal(await expandBodies(ctx, deps as never, claimed), 201);
  t.same(await bodies(), []);
});

t.test('when the process stops, what is not begun is given back, and the body that is in hand with it', async (t) => {
  await write(201);
  await write(1);
  const before = Number((await db('messages').count().first())?.count);
  const deps = { vaults: service.vaults, lease_ms, public_url: 'http://conversar.test', isStopping: () => true };
  await expandBodies(ctx, deps as never, await claimBodies(ctx, 1, lease_ms));
  t.match(await bodies(), [
    { state: 'due', attempt: 0 },
    { state: 'due', attempt: 0 },
  ]);
  t.equal(Number((await db('messages').count().first())?.count) - before, 200, 'one slice was begun');
  t.equal(await expand(), 2, 'and the next one does what is left');
});
