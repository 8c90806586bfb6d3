import { connect as openSocket } from 'node:net';
import pino from 'pino';
import t, { type Test } from 'tap';
import { connect } from '../../src/db/connection.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { createDatabase, patience_ms } from '../support/database.ts';
import { databaseUrl, processSettings, startProcess } from '../support/process.ts';
import { startReceiver } from '../support/receiver.ts';
import { callOver, createRemoteCompany, receivedBy } from '../support/remote-company.ts';
import { eventually } from '../support/service.ts';
import { timed } from '../support/timed.ts';

// Processes are started by the dozen: on a busy machine each takes its time.
t.setTimeout(900_000);

const log = pino({ level: 'silent' });
const { settings } = await createDatabase(t);
const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log, slow_ms: 1_500 });
t.teardown(() => simulator.close());
const db = connect(settings, { pool_max: 4, application_name: 'conversar test', log, acquire_timeout_ms: patience_ms });
t.teardown(() => db.destroy());
// So long that a stop has to wait for the slow answers, and nothing else ends them.
const env = {
  ...processSettings(databaseUrl(settings)),
  CONVERSAR_SEND_TIMEOUT_MS: '8000',
  CONVERSAR_LEASE_MS: '20000',
};
const serve = (t: Test, over = {}) => startProcess(t, ['serve'], { ...env, ...over });
const statuses = async () => {
  const rows = await db('messages').select('status').count('* as count').groupBy('status');
  return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
};
const slowPhones = (prefix: number, count: number) =>
  Array.from({ length: count }, (_, index) => `(${prefix + index}) 98888-0408`);

const first = await serve(t);
const company = await createRemoteCompany(first.url, env.CONVERSAR_ADMIN_TOKEN, simulator.url);
/** Starts that wait for messages which are in the air when this resolves. */
async function startSlow(url: string, phones: string[]) {
  const waiting = phones.map((phone) => company.start(url, phone, { prefer: 'wait=25' }));
  for (const phone of phones) {
    await eventually(
      () => receivedBy(simulator.url, phone),
      (entries) => entries.length === 1,
    );
  }
  return waiting;
}

t.test('SIGTERM with messages in the air and requests that wait for them', async (t) => {
  const phones = slowPhones(11, 5);
  const waiting = await startSlow(first.url, phones);
  const { answer: ended, took_ms } = await timed(() => first.end('SIGTERM'));
  t.same(ended, { code: 0, signal: null });
  t.ok(took_ms < 15_000, `${took_ms} ms`);
  for (const answer of await Promise.all(waiting)) {
    t.equal(answer.status, 201, 'is answered');
    t.ok(['sending', 'accepted'].includes(answer.body.first_message.status));
  }
  t.match(await statuses(), { accepted: 5 }, 'what was in the air is finished and written');
  t.notOk('unknown' in (await statuses()), 'and no doubt was made');
  t.notOk('sending' in (await statuses()));
  for (const phone of phones) t.equal((await receivedBy(simulator.url, phone)).length, 1);
  await t.rejects(fetch(`${first.url}/health/live`), 'nobody listens any more');
});

t.test('a client that never finishes its request holds up neither the stop nor the messages', async (t) => {
  const process = await serve(t);
  const { hostname, port } = new URL(process.url);
  const half = openSocket(Number(port), hostname);
  half.on('error', () => undefined);
  t.teardown(() => half.destroy());
  half.write(
    'POST /v1/attendances HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n{"a',
  );
  await Promise.all(await startSlow(process.url, slowPhones(21, 1)));
  const waiting = await startSlow(process.url, slowPhones(41, 2));
  t.same(await process.end('SIGTERM'), { code: 0, signal: null });
  for (const answer of await Promise.all(waiting)) t.equal(answer.status, 201);
  t.match(await statuses(), { accepted: 8 });
  t.notOk('unknown' in (await statuses()));
});

t.test('a webhook endpoint that never answers holds up no stop', async (t) => {
  const crm = await startReceiver(t);
  crm.answer('/hangs', () => undefined);
  const process = await serve(t);
  const post = (path: string, body: unknown) => callOver(`${process.url}${path}`, company.key, 'POST', body);
  t.equal((await post('/v1/webhook-endpoints', { url: `${crm.url}/hangs` })).status, 201);
  t.equal((await post('/v1/contacts', { phone: '61988880408' })).status, 201);
  await eventually(
    async () => crm.callsOf('/hangs').length,
    (calls) => calls > 0,
  );
  t.same(await process.end('SIGTERM'), { code: 0, signal: null });
});

t.test('a second signal ends it at once', async (t) => {
  // A message that is never answered: the stop cannot be over before the second signal comes.
  const process = await serve(t, { CONVERSAR_SEND_TIMEOUT_MS: '60000', CONVERSAR_LEASE_MS: '150000' });
  const waiting = await startSlow(process.url, ['(51) 98888-0000']);
  const answers = Promise.allSettled(waiting);
  process.child.kill('SIGTERM');
  await answers;
  t.same(await process.end('SIGINT'), { code: 130, signal: null });
});
