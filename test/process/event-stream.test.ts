import { EventSource } from 'eventsource';
import pino from 'pino';
import t, { type Test } from 'tap';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { createDatabase, runStatement } from '../support/database.ts';
import { ask } from '../support/embedded-folder.ts';
import { freePort } from '../support/port.ts';
import { databaseUrl, processSettings, type Running, startProcess } from '../support/process.ts';
import { callOver, createRemoteCompany } from '../support/remote-company.ts';
import { type Body, eventually } from '../support/service.ts';

// Processes are started several times: on a busy machine each takes its time.
t.setTimeout(900_000);

const { settings } = await createDatabase(t);
const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log: pino({ level: 'silent' }) });
t.teardown(() => simulator.close());
const env = processSettings(databaseUrl(settings));
/** On a port of its own, and again on that. */
const startStreaming = (port: string) => startProcess(t, ['serve', '--no-lanes'], { ...env, PORT: port });

const writing = await startProcess(t, ['serve'], env);
const port = String(await freePort());
let streaming: Running = await startStreaming(port);
const company = await createRemoteCompany(writing.url, env.CONVERSAR_ADMIN_TOKEN, simulator.url);

/** The whole feed behind a cursor or an id. */
async function feedAfter(after: string): Promise<{ ids: string[]; cursor: string }> {
  const ids: string[] = [];
  for (let cursor = after; ; ) {
    const { body } = await company.get(writing.url, `/v1/events?limit=100${cursor && `&after=${cursor}`}`);
    ids.push(...body.data.map(({ id }: Body) => id));
    cursor = body.next_cursor;
    if (!body.has_more) return { ids, cursor };
  }
}

/** A client as integrators have it, on the process that streams. */
function listen(t: Test, query: string): { ids: string[]; opened: () => number; source: EventSource } {
  const ids: string[] = [];
  let opened = 0;
  const source = new EventSource(`${streaming.url}/v1/events/stream${query}`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${company.key}` } }),
  });
  source.onopen = () => {
    opened += 1;
  };
  source.onmessage = ({ data, lastEventId }) => {
    const { id } = JSON.parse(data);
    ids.push(id === lastEventId ? id : `${id} came as ${lastEventId}`);
  };
  t.teardown(() => source.close());
  return { ids, opened: () => opened, source };
}

let people = 0;
async function startSome(count: number): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    people += 1;
    const { status, body } = await company.start(writing.url, `319${7000 + people}0001`);
    if (status !== 201) throw new Error(JSON.stringify(body));
  }
}

/** All that is to come has come: the messages of the last starts are sent. */
const settled = () =>
  eventually(
    async () => (await company.get(writing.url, '/v1/attendances?status=starting')).body.data,
    (starting: Body[]) => starting.length === 0,
  );

t.test('events made through one process are heard through another, and a lost connection loses none', async (t) => {
  const { cursor } = await feedAfter('');
  const all = listen(t, `?after=${cursor}`);
  const some = listen(t, `?after=${cursor}&types=attendance.opened,message.accepted`);
  await startSome(3);
  await eventually(
    async () => [all.ids.length, some.ids.length],
    ([heard = 0, filtered = 0]) => heard > 5 && filtered > 0,
  );
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const opened = all.opened();
    const [ended] = await Promise.all([streaming.end(signal), startSome(5)]);
    if (signal === 'SIGTERM') t.same(ended, { code: 0, signal: null }, 'open streams hold up no stop');
    const restarting = startStreaming(port);
    await startSome(5);
    streaming = await restarting;
    await eventually(
      async () => all.opened(),
      (times) => times > opened,
    );
    await startSome(3);
  }
  await settled();
  const { ids } = await eventually(
    () => feedAfter(cursor),
    (feed) => feed.ids.length === all.ids.length,
  );
  t.same(all.ids, ids, `${ids.length} events, each once and in the order of the feed`);
  const { body } = await company.get(
    writing.url,
    `/v1/events?limit=100&after=${cursor}&types=attendance.opened,message.accepted`,
  );
  await eventually(
    async () => some.ids.length,
    (count) => count >= body.data.length,
  );
  t.same(
    some.ids,
    body.data.map(({ id }: Body) => id),
    'and those that a filter lets through',
  );
});

t.test('where the database was restored from another one, events are numbered anew at the start', async (t) => {
  await streaming.end('SIGTERM');
  await writing.end('SIGTERM');
  const before = (await listIds()).length;
  await runStatement(
    settings,
    `update events set txid = cast(cast(cast(txid as text) as bigint) + 1000000 as text)::xid8`,
  );
  streaming = await startStreaming(port);
  t.match(
    streaming.log().filter(({ msg }) => msg === 'events.renumbered'),
    [{ accounts: 1, events: before }],
  );
  const heard = listen(t, `?after=${(await listIds())[0]}`);
  await eventually(
    async () => heard.ids.length,
    (count) => count === before - 1,
  );
  await callOver(`${streaming.url}/v1/contacts`, company.key, 'POST', { phone: '31988880999' });
  await eventually(
    async () => heard.ids.length,
    (count) => count === before,
  );
});

async function listIds(): Promise<string[]> {
  const rows = (await ask(settings, 'select id from events order by txid, position')) as { id: string }[];
  return rows.map(({ id }) => id);
}
