import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { v7 as uuid } from 'uuid';
import { readCursor, toCursor } from '../../../src/features/events/event-place.ts';
import { event_types } from '../../../src/features/events/events.schema.ts';
import { listNextEvents } from '../../../src/features/events/feed.repository.ts';
import type { Document } from '../../support/document.ts';
import { createEventWriter, type EventWriter, untilSettled } from '../../support/events.ts';
import { type Body, type Client, startService } from '../../support/service.ts';

t.setTimeout(900_000);

const service = await startService(t, { with_lanes: false });
const { ctx } = service;

const document = service.server.swagger() as unknown as Document;
const connect = (t: Test) => createEventWriter(t, service.settings, document);

const idsOf = (data: Body[]): string[] => data.map(({ id }) => id);

const settle = () => untilSettled(service.db);

/** Reads from a cursor until there is no more. */
async function readOn(client: Client, after: string | null, query = ''): Promise<{ ids: string[]; cursor: string }> {
  const ids: string[] = [];
  for (let cursor = after; ; ) {
    const { status, body, text } = await client.get(`/v1/events?limit=100${query}${cursor ? `&after=${cursor}` : ''}`);
    if (status !== 200) throw new Error(text);
    ids.push(...idsOf(body.data));
    cursor = body.next_cursor as string;
    if (!body.has_more) return { ids, cursor };
  }
}

t.test('GET /v1/events', async (t) => {
  const client = await service.createClient();
  const writer = await connect(t);

  t.test('without events: nothing, and a cursor all the same', async (t) => {
    const { body } = await client.get('/v1/events');
    t.match(body, { data: [], has_more: false, next_cursor: /^[\w-]+$/ });
    const again = await readOn(client, body.next_cursor);
    t.same(again.ids, []);
  });

  t.test('pages go through all of them, oldest first, and a cursor of the end brings what is new', async (t) => {
    const ids = await writer.write(client.account_id, 5);
    await settle();
    const first = await client.get('/v1/events?limit=2');
    t.same(idsOf(first.body.data), ids.slice(0, 2));
    t.equal(first.body.has_more, true);
    const rest = await client.get(`/v1/events?limit=3&after=${first.body.next_cursor}`);
    t.same(idsOf(rest.body.data), ids.slice(2));
    t.equal(rest.body.has_more, false, 'a full page that is the last one says so');
    const more = await writer.write(client.account_id);
    await settle();
    t.same((await readOn(client, rest.body.next_cursor)).ids, more);
  });

  t.test('after the id of an event', async (t) => {
    const { ids } = await readOn(client, null);
    t.same((await readOn(client, ids[1] ?? '')).ids, ids.slice(2));
    const stranger = await service.createClient();
    const [foreign = ''] = await writer.write(stranger.account_id);
    await settle();
    for (const id of [foreign, uuid()]) {
      const { status, body } = await client.get(`/v1/events?after=${id}`);
      t.equal(status, 404);
      t.match(body, { code: 'event_not_found', errors: [{ pointer: '?after', code: 'event_not_found' }] });
    }
    t.same((await readOn(stranger, null)).ids, [foreign], 'and nobody reads those of another');
  });

  t.test('only some types', async (t) => {
    const wanted = await writer.write(client.account_id, 2, 'channel.status_changed');
    await writer.write(client.account_id, 2, 'contact.updated');
    const more = await writer.write(client.account_id, 1, 'template.status_changed');
    await settle();
    const query = '&types=channel.status_changed,template.status_changed';
    t.same((await readOn(client, null, query)).ids, [...wanted, ...more]);
    t.equal((await client.get(`/v1/events?types=${event_types.join(',')}`)).status, 200, 'all of them fit');
    for (const types of ['', 'contact', 'contact.created,', 'contactXcreated', 'contact.created;contact.updated']) {
      const { status, body } = await client.get(`/v1/events?types=${types}`);
      t.match(
        { status, body },
        { status: 400, body: { code: 'validation_failed', errors: [{ pointer: '?types' }] } },
        types,
      );
    }
  });

  t.test('a cursor that cannot be read, and one of another database', async (t) => {
    const { cursor } = await readOn(client, null);
    const place = readCursor(cursor);
    t.ok(place);
    const unreadable = ['x', 'MTo5', cursor.slice(1), toCursor({ txid: '99999999999999999999', position: '0' })];
    for (const one of unreadable) {
      const { status, body } = await client.get(`/v1/events?after=${one}`);
      t.match(
        { status, body },
        { status: 400, body: { code: 'cursor_invalid', errors: [{ pointer: '?after' }] } },
        one,
      );
    }
    const beyond = toCursor({ txid: String(BigInt(place?.txid ?? 0) + 1_000_000n), position: '0' });
    const { status, body } = await client.get(`/v1/events?after=${beyond}`);
    t.match({ status, body }, { status: 410, body: { code: 'cursor_expired', errors: [{ pointer: '?after' }] } });
  });

  t.test('needs its scope', async (t) => {
    const other = await service.createClient({ scopes: ['contacts:read'] });
    t.match(await other.get('/v1/events'), { status: 403, body: { code: 'scope_missing' } });
  });
});

t.test(
  'of a rare type at most 10,000 events are looked at in one request, and the cursor moves past them',
  async (t) => {
    const client = await service.createClient();
    const writer = await connect(t);
    const [first] = await writer.write(client.account_id, 1, 'channel.status_changed');
    await writer.client.query(
      `insert into events (account_id, id, type, data, created_at)
     select $1, gen_random_uuid(), 'contact.updated', '{}', now() from generate_series(1, 10000)`,
      [client.account_id],
    );
    const [last] = await writer.write(client.account_id, 1, 'channel.status_changed');
    await settle();
    const query = '/v1/events?types=channel.status_changed';
    const one = await client.get(query);
    t.same([idsOf(one.body.data), one.body.has_more], [[first], true]);
    const two = await client.get(`${query}&after=${one.body.next_cursor}`);
    t.same([idsOf(two.body.data), two.body.has_more], [[last], false]);
    const three = await client.get(`${query}&after=${two.body.next_cursor}`);
    t.same([idsOf(three.body.data), three.body.has_more], [[], false]);
  },
);

t.test('what commits late is not skipped', async (t) => {
  const client = await service.createClient();
  const [late, early] = [await connect(t), await connect(t)];
  await late.client.query('begin');
  const ids_late = await late.write(client.account_id, 2);
  const ids_early = await early.write(client.account_id, 2);
  const before = await readOn(client, null);
  t.same(before.ids, [], 'who committed first waits for who began first');
  await late.client.query('commit');
  await settle();
  const after = await readOn(client, before.cursor);
  t.same(after.ids, [...ids_late, ...ids_early]);
  t.same((await readOn(client, after.cursor)).ids, [], 'and nothing comes twice');
});

t.test('an event whose transaction is not settled may be read behind by its id', async (t) => {
  const client = await service.createClient();
  const [late, early] = [await connect(t), await connect(t)];
  await late.client.query('begin');
  await late.write(client.account_id);
  const [known = ''] = await early.write(client.account_id);
  const { cursor } = await readOn(client, known);
  await late.client.query('commit');
  const next = await early.write(client.account_id);
  await settle();
  t.same((await readOn(client, cursor)).ids, next, 'it does not come again');
});

t.test(
  'many writers whose transactions overlap, and one reader: each event once, in an order that stays',
  async (t) => {
    const client = await service.createClient();
    const writers = await Promise.all(Array.from({ length: 8 }, () => connect(t)));
    const written: string[] = [];
    let are_writing = true;
    const writeOn = async (writer: EventWriter) => {
      for (let round = 0; round < 40; round += 1) {
        await writer.client.query('begin');
        const ids = await writer.write(client.account_id, 1 + Math.floor(Math.random() * 3));
        if (Math.random() < 0.5) await delay(Math.random() * 10);
        const is_kept = Math.random() < 0.9;
        await writer.client.query(is_kept ? 'commit' : 'rollback');
        if (is_kept) written.push(...ids);
      }
    };
    const read: string[] = [];
    const poll = async () => {
      for (let cursor: string | null = null, is_last = false; ; ) {
        is_last = !are_writing;
        const page: { ids: string[]; cursor: string } = await readOn(client, cursor);
        read.push(...page.ids);
        cursor = page.cursor;
        if (is_last) return;
      }
    };
    const polled = poll();
    await Promise.all(writers.map(writeOn));
    await settle();
    are_writing = false;
    await polled;
    t.same(read.toSorted(), written.toSorted(), 'each once');
    t.same(read, (await readOn(client, null)).ids, 'in the order in which they stand ever after');
  },
);

t.test('pieces with a filter, in any size, have each event of it once', async (t) => {
  const client = await service.createClient();
  const writer = await connect(t);
  const kinds = ['contact.created', 'contact.updated', 'channel.status_changed'];
  const wanted: string[] = [];
  for (let round = 0; round < 30; round += 1) {
    const type = kinds[Math.floor(Math.random() * kinds.length)] ?? '';
    const ids = await writer.write(client.account_id, 1 + Math.floor(Math.random() * 4), type);
    if (type === 'contact.updated') wanted.push(...ids);
  }
  await settle();
  const filter = { types: ['contact.updated'], attendance_id: null };
  for (const limit of [1, 2, 3, 7, 100]) {
    const found: string[] = [];
    let place = { txid: '0', position: '0' };
    for (let has_more = true; has_more; ) {
      const piece = await listNextEvents({ db: ctx.db, account_id: client.account_id }, place, filter, limit);
      found.push(...piece.events.map(({ id }) => id));
      place = piece.next;
      has_more = piece.has_more;
    }
    t.same(found, wanted, `${limit} at once`);
  }
});
