import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import t, { type Test } from 'tap';
import { eventually, startService } from '../support/service.ts';

// The example is a process: on a busy machine that takes its time.
t.setTimeout(900_000);

const root = fileURLToPath(new URL('../..', import.meta.url));
const service = await startService(t);
const company = await service.createCompany();

/** The example as an integrator runs it, on a free port. */
async function startReceiver(t: Test, secret: string) {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'examples/crm-receiver/main.ts'], {
    cwd: root,
    env: { PATH, PORT: '0', CONVERSAR_WEBHOOK_SECRET: secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  const [first = ''] = await eventually(
    async () => lines,
    (all) => all.length > 0,
  );
  return { url: first.replace('listening on ', ''), lines: () => lines.slice(1) };
}

t.test('without a secret it says what to set', async (t) => {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'examples/crm-receiver/main.ts'], {
    cwd: root,
    env: { PATH },
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, 'close');
  t.equal(code, 2);
  t.match(said, /^Set CONVERSAR_WEBHOOK_SECRET /);
});

t.test('the endpoint is made with the secret that the receiver checks, and each event is taken once', async (t) => {
  // The receiver wants the secret first, the endpoint the URL: a place that answers nothing yet, then the real one.
  const { body: endpoint } = await company.post('/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/later' });
  const receiver = await startReceiver(t, endpoint.secret);
  const path = `/v1/webhook-endpoints/${endpoint.id}`;
  await company.call('PATCH', path, { url: `${receiver.url}/conversar` });
  t.match((await company.post(`${path}/test`)).body, { is_delivered: true, status_code: 204 });

  const started = await company.start({}, { prefer: 'wait=10' });
  t.equal(started.body.status, 'open');
  const types = ['contact.created', 'attendance.started', 'message.accepted', 'attendance.opened'];
  const told = (type: string) => receiver.lines().filter((line) => line.startsWith(`${type} `));
  await eventually(
    async () => types.map((type) => told(type).length),
    (counts) => counts.every((count) => count === 1),
  );
  t.match(told('contact.created')[0], / - [0-9a-f-]{36}$/);
  t.match(told('attendance.started')[0], /attendance\.started 1 /);

  // Heard before it is written: what is not delivered yet is not told again.
  const [delivery] = await eventually(
    async () => (await company.get(`${path}/deliveries`)).body.data,
    ([last]) => last?.status === 'delivered',
  );
  await company.post(`/v1/webhook-deliveries/${delivery.id}/redeliver`);
  await eventually(
    async () => (await company.get(`/v1/webhook-deliveries/${delivery.id}`)).body,
    ({ attempts, status }) => attempts.length === 2 && status === 'delivered',
  );
  t.equal(told(delivery.event_type).length, 1, 'told twice and taken once');
});

t.test('what is not signed with the secret is refused', async (t) => {
  const { body: endpoint } = await company.post('/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/never' });
  const receiver = await startReceiver(t, endpoint.secret);
  const text = JSON.stringify({ id: 'x', type: 'message.sent', timestamp: '', sequence: null, data: {} });
  const headersAt = (at: Date, secret: string) => ({
    'webhook-id': 'x',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('x', at, text),
  });
  const post = async (headers: Record<string, string>, body = text) =>
    (await fetch(receiver.url, { method: 'POST', headers, body })).status;
  const now = new Date();
  t.equal(await post({}), 401);
  t.equal(await post(headersAt(now, `whsec_${Buffer.alloc(32, 1).toString('base64')}`)), 401);
  t.equal(await post(headersAt(now, endpoint.secret), text.replace('message.sent', 'message.read')), 401);
  t.equal(await post(headersAt(new Date(now.getTime() - 600_000), endpoint.secret)), 401, 'a recorded call');
  t.equal(await post(headersAt(now, endpoint.secret), 'x'.repeat(1_100_000)), 413);
  t.equal(await post(headersAt(now, endpoint.secret)), 204);
  t.same(receiver.lines(), ['message.sent - x']);
  t.equal((await fetch(receiver.url)).status, 405);
});
