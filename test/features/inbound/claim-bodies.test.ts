import { randomBytes } from 'node:crypto';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { claimBodies } from '../../../src/features/inbound/inbound.repository.ts';
import { inboundWork } from '../../../src/features/inbound/inbound-lane.ts';
import { addChannel } from '../../support/add-channel.ts';
import { eventually, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const company = await service.createCompany();
const { account_id } = company;
const channels = [company.unofficial_id, await addChannel(company, service.simulator.url)].toSorted();
const lease_ms = 60_000;

async function store(channel_id: string | undefined, bytes = 8): Promise<string> {
  const id = uuid();
  await db('inbound_bodies').insert({
    account_id,
    id,
    channel_id,
    body: randomBytes(bytes),
    received_at: new Date(),
  } as never);
  return id;
}
t.beforeEach(async () => {
  await db('inbound_bodies').delete();
  await db('inbound_items').delete();
});

t.test('the channel whose oldest body waits the longest comes first', async (t) => {
  const [first, second] = channels;
  const oldest = await store(second);
  await store(first);
  t.match(await claimBodies(ctx, 1, lease_ms), [{ id: oldest }]);
  await store(second);
  t.match(await claimBodies(ctx, 8, lease_ms), [{ channel_id: first }], 'and one that is being expanded is left alone');
});

t.test('a claim takes what one statement may read, of each channel its first, and at least one body', async (t) => {
  const [first, second] = channels;
  const claim = async (most_bytes?: number) => {
    await db('inbound_bodies').update({ state: 'due', fence: null, lease_until: null });
    const claimed = await claimBodies(ctx, 8, lease_ms, most_bytes === undefined ? {} : { most_bytes });
    return claimed.map(({ id }) => id).toSorted();
  };
  const a = [await store(second, 40), await store(second, 40), await store(second, 40)];
  const b = [await store(first, 40), await store(first, 1)];
  t.same(await claim(1_000), [...a, ...b].toSorted());
  t.same(await claim(100), [a[0], b[0]].toSorted(), 'none is passed by for a smaller one behind it');
  t.same(await claim(121), [a[0], a[1], b[0], b[1]].toSorted());
  t.same(await claim(10), [a[0]], 'the one that waits the longest');
  const next = await claimBodies(ctx, 8, lease_ms, { most_bytes: 10 });
  t.same(
    next.map(({ id }) => id),
    [b[0]],
    'and then that of the next channel',
  );

  await db('inbound_bodies').delete();
  const large = [await store(first, 3 * 1024 * 1024), await store(first, 2 * 1024 * 1024), await store(second)];
  t.same(await claim(), [large[0], large[2]], 'about 4 MB, unless it is said otherwise');
});

t.test('a claim that began before another one was committed sees it all the same', async (t) => {
  const [channel_id] = channels;
  await store(channel_id);
  const claiming = await db.transaction();
  await claiming.raw('select pg_advisory_xact_lock(42)');
  t.equal((await claimBodies({ db: claiming }, 1, lease_ms)).length, 1);
  // One statement: its snapshot is older than the commit, and its question is not.
  const asked = db.raw<{ rows: { before: boolean; after: boolean }[] }>(
    `select exists (select from inbound_bodies where channel_id = :channel_id and state = 'working') as before,
            case when pg_advisory_xact_lock_shared(42) is not null then is_being_expanded(:account_id, :channel_id) end as after`,
    { account_id, channel_id },
  );
  const answer = asked.then(({ rows }) => rows);
  await eventually(
    () =>
      db.raw<{ rows: unknown[] }>(
        `select from pg_stat_activity where wait_event_type = 'Lock' and wait_event = 'advisory' and datname = current_database()`,
      ),
    ({ rows }) => rows.length > 0,
  );
  await claiming.commit();
  t.same(await answer, [{ before: false, after: true }]);
});

t.test('bodies and events that are tried again keep each other from no slot', async (t) => {
  const [first, second] = channels;
  const work = inboundWork({ vaults: service.vaults, lease_ms, public_url: 'http://conversar.test' } as never);
  const keepAside = (place: number) =>
    db('inbound_items').insert({
      ...{ account_id, body_id: uuid(), place, channel_id: first, kind: 'message', reason: 'of the test' },
      ...{ event: randomBytes(8), run_at: db.fn.now(), received_at: db.fn.now() },
    } as never);
  for (let place = 0; place < 4; place += 1) await keepAside(place);
  await store(first);
  await store(second);
  const kinds = [];
  for (let turn = 0; turn < 4; turn += 1) {
    const { items } = await work.claim(ctx, 1);
    kinds.push(...items.map((item) => ('item' in item ? 'item' : 'bodies')));
  }
  t.same(kinds.toSorted(), ['bodies', 'bodies', 'item', 'item'], 'one slot: in turns');
  await store(first);
  await db('inbound_bodies').update({ state: 'due', fence: null, lease_until: null });
  const { items } = await work.claim(ctx, 4);
  t.same(items.map((item) => ('item' in item ? 'item' : 'bodies')).toSorted(), ['bodies', 'bodies', 'item', 'item']);
});
