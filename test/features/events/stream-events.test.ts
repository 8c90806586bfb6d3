import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import pino from 'pino';
import t, { type Test } from 'tap';
import { v7 as uuid } from 'uuid';
import { beginning } from '../../../src/features/events/event-place.ts';
import { findEdge } from '../../../src/features/events/feed.repository.ts';
import { startOfStream } from '../../../src/features/events/read-feed.ts';
import { createEventStreams, type StreamStart, stream_limits } from '../../../src/features/events/stream-events.ts';
import { events_topic } from '../../../src/features/events/tell-of-events.ts';
import { createWake } from '../../../src/lanes/wake.ts';
import type { Problem } from '../../../src/problem.ts';
import type { Document } from '../../support/document.ts';
import { createEventWriter, untilSettled } from '../../support/events.ts';
import { type Client, eventually, startService } from '../../support/service.ts';

t.setTimeout(900_000);

const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const wake = createWake(service.settings, pino({ level: 'silent' }));
t.teardown(() => wake.close());
const connect = (t: Test) => createEventWriter(t, service.settings, service.server.swagger() as unknown as Document);

const everything = { types: null, attendance_id: null };

/** Streams with limits of their own, which end with `t`. */
function createStreams(t: Test, limits: Partial<typeof stream_limits> = {}) {
  const stopping = new AbortController();
  const streams = createEventStreams({ ...ctx, signal: stopping.signal }, wake, {
    ...stream_limits,
    poll_ms: 50,
    ...limits,
  });
  t.teardown(() => stopping.abort());
  return {
    stop: () => stopping.abort(),
    open: (client: Client, start: Partial<StreamStart> = {}) =>
      streams.open({ account_id: client.account_id, place: beginning, filter: everything, last_id: null, ...start }),
  };
}

/** Reads a stream as a client does. */
function hear(readable: Readable): { ids: string[]; text: () => string } {
  const ids: string[] = [];
  let text = '';
  const parser = createParser({
    onEvent: ({ id, data, event }) => {
      if (event !== undefined || JSON.parse(data).id !== id) throw new Error(`${id} ${event}: ${data}`);
      ids.push(String(id));
    },
  });
  readable.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    parser.feed(chunk);
  });
  return { ids, text: () => text };
}

const hasHeard = (heard: { ids: string[] }, ids: string[]) =>
  eventually(
    async () => heard.ids.length,
    (count) => count >= ids.length,
  );

/** Pieces of events that are read while `t` runs. */
function countReads(t: Test): () => number {
  let reads = 0;
  const count = ({ sql }: { sql: string }) => {
    if (sql.includes('found as materialized')) reads += 1;
  };
  db.on('query', count);
  t.teardown(() => db.off('query', count));
  return () => reads;
}

t.test('streams that come at any time have every event behind their place once, in order', async (t) => {
  const client = await service.createClient();
  const writers = await Promise.all(Array.from({ length: 4 }, () => connect(t)));
  const streams = createStreams(t);
  let are_writing = true;
  const writing = writers.map(async ({ client: session, write }) => {
    for (let round = 0; round < 40; round += 1) {
      await session.query('begin');
      await write(client.account_id, 2, Math.random() < 0.3 ? 'contact.updated' : 'contact.created');
      if (Math.random() < 0.5) await delay(Math.random() * 10);
      await session.query('commit');
      wake.call(events_topic);
    }
  });
  const whole = hear(streams.open(client));
  const opened: { heard: ReturnType<typeof hear>; last_id: string | null; types: string[] | null }[] = [];
  const opening = (async () => {
    while (are_writing && opened.length < 60) {
      await delay(10);
      const { place, last_id } = await findEdge({ db, account_id: client.account_id });
      const types = Math.random() < 0.5 ? ['contact.updated'] : null;
      opened.push({ heard: hear(streams.open(client, { place, filter: { ...everything, types } })), last_id, types });
    }
  })();
  await Promise.all(writing).finally(() => {
    are_writing = false;
  });
  await opening;
  const rows = await db('events').where({ account_id: client.account_id }).orderBy(['txid', 'position']);
  const all = rows.map(({ id, type }) => ({ id: String(id), type: String(type) }));
  t.equal(all.length, 320);
  await hasHeard(whole, rows);
  t.same(
    whole.ids,
    all.map(({ id }) => id),
  );
  t.ok(opened.length > 3, `${opened.length} streams`);
  for (const { heard, last_id, types } of opened) {
    const behind = all.slice(all.findIndex(({ id }) => id === last_id) + 1);
    const wanted = behind.filter(({ type }) => types?.includes(type) ?? true).map(({ id }) => id);
    await hasHeard(heard, wanted);
    t.same(heard.ids, wanted, `${wanted.length} events`);
  }
});

t.test('one reads for all streams of an account, and nobody for none', async (t) => {
  const client = await service.createClient();
  const { write } = await connect(t);
  const streams = createStreams(t, { poll_ms: 600_000 });
  const readables = Array.from({ length: 40 }, () => streams.open(client));
  const heard = readables.map(hear);
  const reads = countReads(t);
  const ids = await write(client.account_id);
  await eventually(
    async () => {
      wake.call(events_topic);
      return heard.every((one) => one.ids.length === 1);
    },
    (have_all) => have_all,
  );
  const so_far = reads();
  t.ok(so_far >= 1, `${so_far} reads`);
  ids.push(...(await write(client.account_id)));
  await untilSettled(db);
  wake.call(events_topic);
  await Promise.all(heard.map((one) => hasHeard(one, ids)));
  // None more where one that was on its way by then saw it.
  t.ok(reads() - so_far <= 3, `${reads() - so_far} reads for 40 streams`);
  const closed = readables.map((readable) => once(readable, 'close'));
  for (const readable of readables) readable.destroy();
  await Promise.all(closed);
  const before = reads();
  wake.call(events_topic);
  t.equal(reads(), before);
});

t.test('what is missed of calls is found by looking', async (t) => {
  const client = await service.createClient();
  const { write } = await connect(t);
  const heard = hear(createStreams(t, { poll_ms: 20 }).open(client));
  await eventually(
    async () => heard.text(),
    (text) => text.startsWith('retry: 2000\n\n'),
  );
  const ids = await write(client.account_id, 3);
  await hasHeard(heard, ids);
  t.same(heard.ids, ids);
});

t.test('a heartbeat comes again and again, and takes a stream with a filter along', async (t) => {
  const client = await service.createClient();
  const { write } = await connect(t);
  const streams = createStreams(t, { heartbeat_ms: 15, poll_ms: 20 });
  const heard = hear(streams.open(client, { filter: { ...everything, types: ['contact.erased'] } }));
  await eventually(
    async () => heard.text(),
    (text) => text.split('\n\n').filter((frame) => frame === ':').length >= 3,
  );
  // From when it hears is not known: one of these it passes.
  const passed: string[] = [];
  await eventually(
    async () => {
      passed.push(...(await write(client.account_id)));
      return heard.text();
    },
    (text) => passed.some((id) => text.includes(`id: ${id}\n:\n\n`)),
  );
  t.same(heard.ids, [], 'without an event');
});

t.test('no more streams than allowed, of an account and of a process', async (t) => {
  const [one, other] = [await service.createClient(), await service.createClient()];
  const streams = createStreams(t, { per_account: 2, per_process: 3 });
  const codeOf = (client: Client) => {
    try {
      return streams.open(client) && null;
    } catch (error) {
      const { kind } = error as Problem;
      return `${kind.status} ${kind.code} ${kind.retry_after_s}`;
    }
  };
  const first = streams.open(one);
  t.equal(codeOf(one), null);
  t.equal(codeOf(one), '429 too_many_streams 10');
  t.equal(codeOf(other), null);
  t.equal(codeOf(other), '503 no_stream_free 10');
  first.destroy();
  await once(first, 'close');
  t.equal(codeOf(one), null, 'one that is closed makes room');
});

t.test('a client that does not read', async (t) => {
  const client = await service.createClient();
  const { write } = await connect(t);
  const streams = createStreams(t, { unread_bytes: 50_000 });

  t.test('is cut while it is live, and others are not', async (t) => {
    const [idle, busy] = [streams.open(client), streams.open(client)];
    const heard = hear(busy);
    const ids = await write(client.account_id);
    await hasHeard(heard, ids);
    await eventually(
      async () => idle.readableLength,
      (bytes) => bytes > 100,
    );
    const closed = once(idle, 'close');
    for (let part = 0; part < 10; part += 1) ids.push(...(await write(client.account_id, 50)));
    await Promise.all([closed, hasHeard(heard, ids)]);
    t.same(heard.ids, ids);
    t.notOk(busy.destroyed);
  });

  t.test('is waited for while it catches up, with little in hand', async (t) => {
    const late = streams.open(client);
    await eventually(
      async () => late.readableLength,
      (bytes) => bytes > 10_000,
    );
    await eventually(
      async () => {
        const before = late.readableLength;
        await delay(50);
        return late.readableLength - before;
      },
      (more) => more === 0,
    );
    t.ok(late.readableLength < 100_000, `${late.readableLength} bytes`);
    const rows = await db('events').where({ account_id: client.account_id }).orderBy(['txid', 'position']);
    const heard = hear(late);
    await hasHeard(heard, rows);
    t.same(
      heard.ids,
      rows.map(({ id }) => id),
    );
  });
});

t.test('a stream ends with its time, and all end when the process stops', async (t) => {
  const client = await service.createClient();
  const short = createStreams(t, { longest_ms: 30 }).open(client);
  hear(short);
  await once(short, 'end');
  const streams = createStreams(t);
  const readables = Array.from({ length: 3 }, () => streams.open(client));
  for (const readable of readables) hear(readable);
  const ended = readables.map((readable) => once(readable, 'end'));
  streams.stop();
  await Promise.all(ended);
  const late = streams.open(client);
  hear(late);
  await once(late, 'end');
});

t.test('GET /v1/events/stream', async (t) => {
  const client = await service.createClient();
  const { write } = await connect(t);
  await service.server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.server.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/v1/events/stream`;
  const ask = (query = '', headers = {}) => {
    const aborting = new AbortController();
    t.teardown(() => aborting.abort());
    const authorization = `Bearer ${client.key}`;
    return fetch(`${url}${query}`, { headers: { authorization, ...headers }, signal: aborting.signal });
  };
  /** The first `count` events that come. */
  async function first(answer: Response, count: number): Promise<string[]> {
    const ids: string[] = [];
    const parser = createParser({ onEvent: ({ id }) => void ids.push(String(id)) });
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      if (ids.length >= count) break;
    }
    return ids;
  }

  t.test('begins now, or where it is told to', async (t) => {
    const known = await write(client.account_id, 3);
    await untilSettled(db);
    const answer = await ask();
    t.equal(answer.status, 200);
    t.match(Object.fromEntries(answer.headers), {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': String,
    });
    const next = await write(client.account_id, 2);
    t.same(await first(answer, 2), next);
    const resumed = await ask('', { 'last-event-id': known[1] });
    t.same(await first(resumed, 3), [known[2], ...next]);
    const { body } = await client.get('/v1/events?limit=1');
    t.same(await first(await ask(`?after=${body.next_cursor}`), 4), [...known.slice(1), ...next]);
    t.same(await first(await ask(`?after=${known[0]}`, { 'last-event-id': next[0] }), 1), next.slice(1));
  });

  t.test('with filters', async (t) => {
    const company = await service.createCompany();
    const start = async (phone: string) => (await company.start({ contact: { phone } })).body.id as string;
    const [one, other] = [await start('31988880001'), await start('31988880002')];
    const headers = { authorization: `Bearer ${company.key}` };
    await untilSettled(db);
    const { body } = await company.get('/v1/events');
    const answer = await ask(`?attendance_id=${other}&after=${body.data[0].id}`, headers);
    await company.post(`/v1/attendances/${one}/close`);
    await company.post(`/v1/attendances/${other}/close`);
    const told = await db('events').where({ attendance_id: other }).orderBy('attendance_sequence');
    t.ok(told.length >= 3);
    const ids = told.map(({ id }) => id);
    t.same(await first(answer, told.length), ids);
    const closed = told.filter(({ type }) => type === 'attendance.closed').map(({ id }) => id);
    const query = `?types=attendance.closed,attendance.failed&attendance_id=${other}&after=${body.data[0].id}`;
    t.same(await first(await ask(query, headers), 1), closed);
    const third = await start('31988880003');
    const live = await ask(`?types=attendance.closed&attendance_id=${third.toUpperCase()}`, headers);
    await company.post(`/v1/attendances/${third}/close`);
    const [last] = await db('events').where({ attendance_id: third, type: 'attendance.closed' });
    t.same(await first(live, 1), [last?.id], 'an id in capitals is the same id, live too');
    const filter = { types: null, attendance_id: String(other) };
    const theirs = hear(createStreams(t, { heartbeat_ms: 15, poll_ms: 20 }).open(client, { filter }));
    // From when it hears is not known: one of these it passes.
    const passed: string[] = [];
    await eventually(
      async () => {
        passed.push(...(await write(client.account_id)));
        return theirs.text();
      },
      (text) => passed.some((id) => text.includes(`id: ${id}\n:\n\n`)),
    );
    t.same(theirs.ids, [], 'of an attendance of another account nothing is heard');
  });

  t.test('refuses before it begins', async (t) => {
    const [foreign = ''] = await write((await service.createClient()).account_id);
    const cases: [string, Record<string, string>, object][] = [
      ['', { 'last-event-id': uuid() }, { status: 404, code: 'event_not_found', errors: [] }],
      ['', { 'last-event-id': foreign }, { status: 404, code: 'event_not_found' }],
      ['', { 'last-event-id': 'none' }, { status: 404, code: 'event_not_found' }],
      [`?after=${uuid()}`, {}, { status: 404, code: 'event_not_found', errors: [{ pointer: '?after' }] }],
      ['?after=none', {}, { status: 400, code: 'cursor_invalid' }],
      ['?after=MTo5OTk5OTk5OTk5OTow', {}, { status: 410, code: 'cursor_expired' }],
      ['?types=none', {}, { status: 400, code: 'validation_failed' }],
      ['', { authorization: 'Bearer none' }, { status: 401, code: 'unauthorized' }],
    ];
    for (const [query, headers, problem] of cases) t.match(await (await ask(query, headers)).json(), problem, query);
  });

  t.test('a client that goes leaves nothing behind', async (t) => {
    const aborting = new AbortController();
    const authorization = `Bearer ${client.key}`;
    await fetch(url, { headers: { authorization }, signal: aborting.signal });
    const reads = countReads(t);
    await eventually(
      async () => reads(),
      (count) => count > 0,
    );
    aborting.abort();
    await eventually(
      async () => {
        const before = reads();
        wake.call(events_topic);
        await delay(30);
        return reads() - before;
      },
      (more) => more === 0,
    );
  });
});

t.test('a stream of an account in which nothing has happened yet is resumed from the beginning', async (t) => {
  const client = await service.createClient();
  const scope = { db, account_id: client.account_id };
  const start = await startOfStream(scope, { last_event_id: undefined, after: undefined });
  if (!start) throw new Error('no place');
  const { text } = hear(createStreams(t).open(client, start));
  await eventually(
    async () => text(),
    (all) => all.includes('id: '),
  );
  const [, last_event_id] = /^id: (.+)$/m.exec(text()) ?? [];
  const { write } = await connect(t);
  const ids = await write(client.account_id);
  await untilSettled(db);
  const again = await startOfStream(scope, { last_event_id, after: undefined });
  const heard = hear(createStreams(t).open(client, again ?? {}));
  await hasHeard(heard, ids);
  t.same(heard.ids, ids);
});
