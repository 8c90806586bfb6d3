import { once } from 'node:events';
import pino from 'pino';
import t from 'tap';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { createDatabase } from '../support/database.ts';
import { ask } from '../support/embedded-folder.ts';
import { freePort } from '../support/port.ts';
import { databaseUrl, processSettings, startProcess, startUnheard } from '../support/process.ts';
import { callOver, createRemoteCompany, receivedBy } from '../support/remote-company.ts';
import { eventually } from '../support/service.ts';

// Processes are started by the dozen: on a busy machine each takes its time.
t.setTimeout(900_000);

const { settings } = await createDatabase(t);
const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log: pino({ level: 'silent' }) });
t.teardown(() => simulator.close());
// It polls once a minute: what is quick here was called over PostgreSQL.
const env = { ...processSettings(databaseUrl(settings)), CONVERSAR_SWEEP_MS: '60000' };
const phone = '(31) 98888-0001';

const [front, worker] = await Promise.all([
  startProcess(t, ['serve', '--no-lanes'], env),
  startProcess(t, ['worker'], env),
]);
await eventually(
  () =>
    ask(
      settings,
      // Not only connected: one that does not listen yet hears nothing.
      `select pid from pg_stat_activity
        where application_name = 'conversar wake' and datname = current_database() and state = 'idle' and query ilike 'listen%'`,
    ),
  (sessions) => sessions.length === 2,
);
const company = await createRemoteCompany(front.url, env.CONVERSAR_ADMIN_TOKEN, simulator.url);

t.test('serve --no-lanes beside a worker: one answers the start, the other sends, the first sees it', async (t) => {
  const reply = await company.start(front.url, phone, { prefer: 'wait=20' });
  t.match(reply, { status: 201, body: { status: 'open', first_message: { status: 'accepted' } } });
  t.equal((await receivedBy(simulator.url, phone)).length, 1);
  const dispatched = (lines: Record<string, unknown>[]) =>
    lines.filter(({ msg }) => msg === 'message.dispatched').length;
  t.same([dispatched(front.log()), dispatched(worker.log())], [0, 1]);
});

t.test('a log line tells of a message by ids, and of its recipient by four digits', async (t) => {
  const [line] = worker.log().filter(({ msg }) => msg === 'message.dispatched');
  t.match(line, {
    provider: 'evolution',
    outcome: 'accepted',
    attempt: 1,
    recipient: '0001',
    account_id: company.account_id,
  });
  const all = JSON.stringify([...front.log(), ...worker.log()]);
  for (const secret of ['988880001', '88880001', 'Olá!', company.key, 'simulator-key'])
    t.notOk(all.includes(secret), secret);
});

t.test('without a worker a start is queued, and Prefer: wait ends after its time', async (t) => {
  t.same(await worker.end('SIGTERM'), { code: 0, signal: null }, JSON.stringify(worker.log().slice(-4)));
  const reply = await company.start(front.url, '(31) 98888-0002', { prefer: 'wait=1' });
  t.match(reply, { status: 201, body: { status: 'starting', first_message: { status: 'queued' } } });
  t.equal(reply.headers.get('preference-applied'), 'wait=1');
});

t.test('health, the API document and its page are served without a key', async (t) => {
  for (const path of ['/health/live', '/health/ready', '/openapi.json', '/docs/'])
    t.equal((await fetch(`${front.url}${path}`)).status, 200, path);
  t.equal((await callOver(`${front.url}/v1/contacts`, 'none', 'GET')).status, 401);
});

t.test('idle, both stop at once', async (t) => {
  t.same(await front.end('SIGTERM'), { code: 0, signal: null });
});

t.test('a disk that is full of its log ends no service', async (t) => {
  const port = await freePort();
  const child = startUnheard(t, ['serve'], { ...env, PORT: String(port), HOST: '127.0.0.1' });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await eventually(
    () =>
      fetch(`${url}/health/ready`).then(
        ({ status }) => status,
        () => null,
      ),
    (status) => status === 200,
  );
  const reply = await company.start(url, '(31) 98888-0017', { prefer: 'wait=20' });
  t.match(reply, { status: 201, body: { first_message: { status: 'accepted' } } });
  child.kill('SIGTERM');
  t.same(await exited, [0, null]);
});
