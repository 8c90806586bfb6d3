import { setTimeout as delay, setImmediate as nextTick } from 'node:timers/promises';
import t from 'tap';
import { gather } from '../../src/db/gather.ts';
import { captureLog } from '../support/log.ts';
import { eventually, type Service, startService } from '../support/service.ts';

const { log, lines } = captureLog();
const pool_max = 3;
const service = await startService(t, {
  with_lanes: false,
  over_http: true,
  log,
  env: {
    CONVERSAR_POOL_MAX: String(pool_max),
    CONVERSAR_MAX_POOL_QUEUE: '4',
    CONVERSAR_CORS_ORIGINS: 'https://crm.example',
  },
});
const client = await service.createClient();
const refusal = { status: 503, headers: { 'retry-after': '2' }, body: { code: 'overloaded', retryable: true } };
const exempt = [
  ...['/health/live', '/health/live?x=1', '/metrics', '/openapi.json', '/docs', '/docs/'],
  ...['/docs/static/swagger-ui-bundle.js', '/docs/static/swagger-ui.css'],
];

/** All connections of the pool are busy, and `queued` requests wait behind them, until `work` is over. */
async function withQueue<T>(of: Service, queued: number, work: () => Promise<T>): Promise<T> {
  const busy = await Promise.all(Array.from({ length: pool_max }, () => of.db.transaction()));
  const waiting = Array.from({ length: queued }, () => of.db.raw('select 1').then(() => true));
  try {
    return await work();
  } finally {
    await Promise.all(busy.map((trx) => trx.rollback()));
    await Promise.all(waiting);
  }
}

t.test('while the queue for connections is too long: 503 overloaded, in the caller’s language', async (t) => {
  await withQueue(service, 5, async () => {
    t.match(await client.get('/v1/teams'), refusal);
    t.match(await client.get('/v1/teams', { 'accept-language': 'pt-BR' }), {
      body: { title: 'Sobrecarga momentânea' },
    });
    t.match(await service.send(service.config.admin_token, 'GET', '/admin/v1/accounts'), refusal, 'the operator too');
  });
  t.match(await client.get('/v1/teams'), { status: 200 }, 'and not a moment longer');
});

t.test('a refusal comes before key and body are looked at', async (t) => {
  await withQueue(service, 5, async () => {
    t.match(await service.send(null, 'GET', '/v1/teams'), refusal);
    t.match(await client.post('/v1/contacts', '{'), refusal);
    t.match(await client.post('/v1/contacts', 'x'.repeat(300_000)), refusal);
  });
});

t.test('a refusal can be read by a browser, is one line of log, and no error', async (t) => {
  const { headers } = await withQueue(service, 5, () => client.get('/v1/teams', { origin: 'https://crm.example' }));
  t.equal(headers['access-control-allow-origin'], 'https://crm.example');
  const said = lines().filter((line) => line.reqId === headers['x-request-id']);
  t.match(said, [{ msg: 'http.request', status: 503 }]);
  t.equal(said.length, 1);
});

t.test('a queue within its bound is waited for', async (t) => {
  const answer = await withQueue(service, 3, async () => ({ pending: client.get('/v1/teams') }));
  t.match(await answer.pending, { status: 200 });
});

t.test('who waits for the next batch waits for the database, too', async (t) => {
  const held: (() => void)[] = [];
  const ask = gather((batch: number[]) => new Promise<number[]>((resolve) => held.push(() => resolve(batch))), {
    most: 100,
    at_once: 1,
  });
  const first = ask(1);
  await eventually(
    async () => held.length,
    (length) => length === 1,
  );
  const others = [1, 2, 3, 4, 5].map(ask);
  t.match(await client.get('/v1/teams'), refusal);
  held[0]?.();
  await first;
  await eventually(
    async () => held.length,
    (length) => length === 2,
  );
  t.match(await client.get('/v1/teams'), { status: 200 }, 'what is out waits no more');
  held[1]?.();
  await Promise.all(others);
});

t.test('health, the document and the documentation are always answered', async (t) => {
  await withQueue(service, 5, async () => {
    for (const url of exempt) t.match(await service.send(null, 'GET', url), { status: 200 }, url);
    for (const url of ['/health/../v1/teams', '/docs/../v1/teams', '/healthy', '/metrics/v1'])
      t.match(await service.send(null, 'GET', url), { status: 503 }, url);
  });
});

/** Keeps the event loop from everything else. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

t.test('the event loop', async (t) => {
  const late = await startService(t, {
    with_lanes: false,
    over_http: true,
    env: { CONVERSAR_MAX_EVENT_LOOP_DELAY_MS: '1000' },
  });
  const other = await late.createClient();
  const ask = () => other.get('/v1/teams');
  await eventually(ask, ({ status }) => status === 200);
  // What was late before is forgotten with the first sample that is in time.
  t.beforeEach(() => delay(600));

  t.test('one long tick is no overload', async (t) => {
    block(1_500);
    await nextTick();
    t.match([await ask(), await ask(), await ask()], [{ status: 200 }, { status: 200 }, { status: 200 }]);
  });
  t.test('late again and again: 503 overloaded, until it is in time', async (t) => {
    const statuses: number[] = [];
    for (let n = 0; n < 10 && statuses.at(-1) !== 503; n += 1) {
      block(1_500);
      await nextTick();
      statuses.push((await ask()).status);
    }
    t.match(statuses.slice(-2), [200, 503]);
    t.match(await late.send(null, 'GET', '/health/live'), { status: 200 });
    await eventually(ask, ({ status }) => status === 200);
  });
});

t.test('0 turns it off', async (t) => {
  const open = await startService(t, {
    with_lanes: false,
    over_http: true,
    env: {
      CONVERSAR_POOL_MAX: String(pool_max),
      CONVERSAR_MAX_POOL_QUEUE: '0',
      CONVERSAR_MAX_EVENT_LOOP_DELAY_MS: '0',
    },
  });
  const other = await open.createClient();
  const answer = await withQueue(open, 20, async () => ({ pending: other.get('/v1/teams') }));
  t.match(await answer.pending, { status: 200 });
});
