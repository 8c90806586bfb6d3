import pino from 'pino';
import t from 'tap';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { createDatabase } from '../support/database.ts';
import { startDatabaseProxy } from '../support/database-proxy.ts';
import { processSettings, startProcess } from '../support/process.ts';
import { callOver, createRemoteCompany, type RemoteReply, receivedBy } from '../support/remote-company.ts';
import { eventually } from '../support/service.ts';
import { timed } from '../support/timed.ts';

// Processes are started by the dozen: on a busy machine each takes its time.
t.setTimeout(900_000);

const { settings } = await createDatabase(t);
const proxy = await startDatabaseProxy(t, settings);
const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log: pino({ level: 'silent' }), slow_ms: 5_000 });
t.teardown(() => simulator.close());
const env = { ...processSettings(proxy.url), CONVERSAR_SEND_TIMEOUT_MS: '8000', CONVERSAR_LEASE_MS: '60000' };
const { url, end, log } = await startProcess(t, ['serve'], env);
const company = await createRemoteCompany(url, env.CONVERSAR_ADMIN_TOKEN, simulator.url);
const messageOf = async (id: string) => (await company.get(url, `/v1/messages/${id}`)).body;

/** A call and how long its answer took. */
async function timedCall(call: () => Promise<RemoteReply>): Promise<RemoteReply & { took_ms: number }> {
  const { answer, took_ms } = await timed(call);
  return { ...answer, took_ms };
}

const calls: [string, () => Promise<RemoteReply>][] = [
  ['a start', () => company.start(url, '(31) 98888-0009')],
  ['a read', () => company.get(url, '/v1/attendances')],
  ['a create', () => callOver(`${url}/v1/contacts`, company.key, 'POST', { phone: '31988880010' })],
  ['an operator’s call', () => callOver(`${url}/admin/v1/accounts`, env.CONVERSAR_ADMIN_TOKEN, 'GET')],
];

const isUp = () =>
  eventually(
    () => callOver(`${url}/health/ready`, '', 'GET'),
    ({ status }) => status === 200,
  );

t.test('while the database is down', async (t) => {
  await proxy.cut();
  for (const round of ['at once', 'and after that']) {
    for (const [name, call] of calls) {
      const { status, body, headers, took_ms } = await timedCall(call);
      t.equal(status, 503, `${name} is answered 503 ${round}`);
      t.match(body, { code: 'database_unavailable', retryable: true });
      t.match(headers.get('retry-after'), /^[1-9]\d*$/, 'with Retry-After');
      t.ok(took_ms < 4_000, `in ${Math.round(took_ms)} ms`);
    }
  }
  const [ready, live] = await Promise.all([
    timedCall(() => callOver(`${url}/health/ready`, '', 'GET')),
    timedCall(() => callOver(`${url}/health/live`, '', 'GET')),
  ]);
  t.match(ready, { status: 503, body: { status: 'unavailable' } });
  t.ok(ready.took_ms < 4_000);
  t.match(live, { status: 200, body: { status: 'ok' } });

  const many = await Promise.all(
    Array.from({ length: 60 }, (_, index) => timedCall(() => company.start(url, `(31) 97777-${1000 + index}`))),
  );
  t.same(
    [...new Set(many.map(({ status }) => status))],
    [503],
    'sixty starts at once, more than there are connections',
  );
  t.ok(Math.max(...many.map(({ took_ms }) => took_ms)) < 6_000);
});

t.test('it comes back by itself, and so do the lanes', async (t) => {
  await proxy.restore();
  await isUp();
  const { status, body } = await company.start(url, '(31) 98888-0009', { prefer: 'wait=20' });
  t.equal(status, 201, 'the same Idempotency-Key that was answered 503');
  t.equal(body.first_message.status, 'accepted');
  t.equal((await receivedBy(simulator.url, '(31) 98888-0009')).length, 1);
});

t.test('an outcome that came while the database was away is written when it is back', async (t) => {
  const phone = '(31) 98888-0408';
  const { body } = await company.start(url, phone);
  await eventually(
    () => receivedBy(simulator.url, phone),
    (entries) => entries.length === 1,
  );
  await proxy.cut();
  await eventually(
    async () =>
      log().filter(({ msg, message_id }) => msg === 'message.dispatched' && message_id === body.first_message.id),
    (lines) => lines.length === 1,
  );
  await eventually(
    async () => log().filter(({ msg, step }) => msg === 'lane.failed' && step === 'finish'),
    (lines) => lines.length >= 1,
  );
  await proxy.restore();
  const message = await eventually(
    () => messageOf(body.first_message.id).catch(() => undefined),
    (found) => found?.status === 'accepted',
  );
  t.match(message.attempts, [{ number: 1, outcome: 'accepted' }]);
  t.equal((await receivedBy(simulator.url, phone)).length, 1);
});

t.test('a network that swallows everything: 503 in bounded time, never a hang', async (t) => {
  await isUp();
  proxy.silence();
  const answers = await Promise.all(calls.map(([, call]) => timedCall(call)));
  for (const [index, { status, took_ms }] of answers.entries()) {
    const name = calls[index]?.[0] ?? '';
    t.equal(status, 503, name);
    t.ok(took_ms < 15_000, `${name}: ${Math.round(took_ms)} ms`);
  }
  const ready = await timedCall(() => callOver(`${url}/health/ready`, '', 'GET'));
  t.equal(ready.status, 503);
  t.ok(ready.took_ms < 4_000, 'readiness is told in time all the same');
  await proxy.restore();
  await isUp();
  t.equal((await company.get(url, '/v1/attendances')).status, 200);
});

t.test('nothing of it was an error of ours, and it stops in order while the database is away', async (t) => {
  const codes = log()
    .filter(({ msg }) => msg === 'http.failed')
    .map(({ code }) => code);
  t.same([...new Set(codes)], ['database_unavailable']);
  t.notOk(log().some(({ msg, level }) => msg === 'lane.failed' && Number(level) >= 50));
  await proxy.cut();
  t.same(await end('SIGTERM'), { code: 0, signal: null });
});
