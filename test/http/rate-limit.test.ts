import assert from 'node:assert/strict';
import t from 'tap';
import { patience_ms } from '../support/database.ts';
import { databaseUrl, processSettings, startProcess } from '../support/process.ts';
import { callOver } from '../support/remote-company.ts';
import { type Body, type Client, eventually, type Reply, startService } from '../support/service.ts';

const service = await startService(t, { with_lanes: false });
const operator = async (method: string, url: string, body?: Body): Promise<Body> => {
  const reply = await service.send(service.config.admin_token, method, `/admin/v1/accounts/${url}`, body);
  assert.ok(reply.status < 300, reply.text);
  return reply.body;
};
const limitAccount = (client: Client, starts_per_second: number, starts_burst: number) =>
  operator('PATCH', client.account_id, { starts_per_second, starts_burst });
/** Ill-typed, so that it costs nothing; it takes its token all the same. */
const tryStart = (key: string) => service.send(key, 'POST', '/v1/attendances', {});
/** A client that may start `burst` and then as good as nothing. */
async function createLimited(burst: number): Promise<Client> {
  const client = await service.createClient();
  await limitAccount(client, 1, burst);
  return client;
}

/** From when its buckets are made: no token comes back, however long the calls take. */
const stopClock = ({ account_id }: Client) =>
  service
    .db('rate_buckets')
    .where({ account_id })
    .update({ refilled_at: service.db.raw(`now() + interval '1 hour'`) });
const startClock = ({ account_id }: Client) =>
  service.db('rate_buckets').where({ account_id }).update({ refilled_at: service.db.fn.now() });

/** An RFC 9651 List of Strings with Integer parameters; throws on what is none. */
function parseField(value: unknown): { name: string; parameters: Record<string, number> }[] {
  return String(value)
    .split(/[ \t]*,[ \t]*/)
    .map((member) => {
      const [, name, parameters = ''] =
        /^"([\x20-\x21\x23-\x5b\x5d-\x7e]+)"((?:;[a-z*][a-z0-9_.*-]*=\d{1,15})+)$/.exec(member) ?? [];
      assert.ok(name, `"${member}" is no String with parameters`);
      const pairs = parameters
        .slice(1)
        .split(';')
        .map((one) => one.split('='));
      return { name, parameters: Object.fromEntries(pairs.map(([key, number]) => [key, Number(number)])) };
    });
}
const limitHeaders = ({ headers }: Reply) => ({
  policy: parseField(headers['ratelimit-policy']),
  state: parseField(headers.ratelimit),
});

t.test('POST /v1/attendances says its limit and what is left of it', async (t) => {
  const company = await service.createCompany();
  const first = await company.start({ contact: { phone: '31988880001' } });
  t.equal(first.status, 201);
  t.same(limitHeaders(first), {
    policy: [{ name: 'starts', parameters: { q: 1000, w: 2 } }],
    state: [{ name: 'starts', parameters: { r: 999, t: 1 } }],
  });
  const refused = await company.start({ contact: { phone: '31988880001' } });
  t.equal(refused.status, 409);
  t.match(limitHeaders(refused), { state: [{ name: 'starts' }] }, 'on refusals, too');
});

t.test('over the limit: 429 rate_limited with Retry-After, and nothing is changed', async (t) => {
  const company = await service.createCompany();
  await limitAccount(company, 1, 2);
  const start = (n: number, headers = {}) => company.start({ contact: { phone: `3198888100${n}` } }, headers);
  t.match(await start(1), { status: 201 });
  await stopClock(company);
  t.match(await start(2), { status: 201 });
  const count = async () => {
    const tables = ['contacts', 'attendances', 'messages', 'events', 'idempotency_keys'];
    const rows = await Promise.all(
      tables.map((name) => service.db(name).where({ account_id: company.account_id }).count()),
    );
    return rows.flat().map((row) => Number(row.count));
  };
  const before = await count();
  const key = { 'idempotency-key': 'limited-once' };
  const refused = await start(3, key);
  t.match(refused, { status: 429, headers: { 'retry-after': '1' }, body: { code: 'rate_limited', retryable: true } });
  t.match(refused.body.detail, 'At most 1 a second');
  t.same(limitHeaders(refused), {
    policy: [{ name: 'starts', parameters: { q: 2, w: 2 } }],
    state: [{ name: 'starts', parameters: { r: 0, t: 1 } }],
  });
  t.same(await count(), before);
  t.match(await start(3, { ...key, 'accept-language': 'pt-BR' }), {
    status: 429,
    body: { title: /Requisições demais/ },
  });

  await startClock(company);
  const repeated = await eventually(
    () => start(3, key),
    ({ status }) => status !== 429,
  );
  t.equal(repeated.status, 201, 'a refusal for the limit is not stored under its Idempotency-Key');
  t.notOk('idempotent-replayed' in repeated.headers);
});

t.test('all keys of an account share its limit', async (t) => {
  const client = await createLimited(2);
  const { key } = await operator('POST', `${client.account_id}/api-keys`, { name: 'other' });
  t.match(await tryStart(client.key), { status: 400 });
  await stopClock(client);
  t.match(await tryStart(key), { status: 400 });
  t.match([await tryStart(client.key), await tryStart(key)], [{ status: 429 }, { status: 429 }]);
  const neighbour = await service.createClient();
  t.match(await tryStart(neighbour.key), { status: 400 }, 'another account does not notice');
});

t.test('a key with a limit of its own keeps it, and leaves the rest of the account’s to the others', async (t) => {
  const client = await createLimited(5);
  const limits = { starts_per_second: 1, starts_burst: 2 };
  const own = await operator('POST', `${client.account_id}/api-keys`, { name: 'own', ...limits });
  const first = await tryStart(own.key);
  await stopClock(client);
  t.same(limitHeaders(first), {
    policy: [
      { name: 'starts', parameters: { q: 5, w: 5 } },
      { name: 'starts-of-key', parameters: { q: 2, w: 2 } },
    ],
    state: [{ name: 'starts-of-key', parameters: { r: 1, t: 1 } }],
  });
  await tryStart(own.key);
  const refused = await tryStart(own.key);
  t.match(refused, { status: 429, headers: { ratelimit: '"starts-of-key";r=0;t=1' } });
  for (let n = 0; n < 3; n += 1) t.match(await tryStart(client.key), { status: 400 });
  t.match(await tryStart(client.key), { status: 429, headers: { ratelimit: '"starts";r=0;t=1' } });
  await operator('PATCH', `${client.account_id}/api-keys/${own.id}`, { starts_per_second: null, starts_burst: null });
  t.notMatch((await tryStart(own.key)).headers['ratelimit-policy'], 'starts-of-key', 'null: as the account');
});

t.test('0 a second is no limit: nothing is refused, and no header says one', async (t) => {
  const client = await createLimited(1);
  await limitAccount(client, 0, 1);
  const replies = await Promise.all(Array.from({ length: 30 }, () => tryStart(client.key)));
  for (const { status, headers } of replies) {
    t.equal(status, 400);
    t.notOk('ratelimit' in headers || 'ratelimit-policy' in headers);
  }
});

t.test('a changed limit acts at once', async (t) => {
  const client = await createLimited(1);
  await tryStart(client.key);
  await stopClock(client);
  t.match(await tryStart(client.key), { status: 429 });
  await startClock(client);
  await limitAccount(client, 100_000, 1_000);
  t.match(await tryStart(client.key), { status: 400, headers: { 'ratelimit-policy': '"starts";q=1000;w=1' } });
  await limitAccount(client, 1, 1);
  await tryStart(client.key);
  await stopClock(client);
  t.match(await tryStart(client.key), { status: 429, headers: { 'ratelimit-policy': '"starts";q=1;w=1' } });
});

t.test('what queues nothing takes no token', async (t) => {
  const client = await createLimited(1);
  const others: [string, Promise<Reply>][] = [
    ['a dry run', service.send(client.key, 'POST', '/v1/attendances?dry_run=true', {})],
    ['a list', client.get('/v1/attendances')],
    ['another POST', client.post('/v1/contacts', { phone: '31988880005' })],
    ['the operator', service.send(service.config.admin_token, 'GET', `/admin/v1/accounts/${client.account_id}`)],
    ['health', service.send(null, 'GET', '/health/ready')],
    ['no key', service.send(null, 'POST', '/v1/attendances', {})],
  ];
  const reader = await operator('POST', `${client.account_id}/api-keys`, { name: 'r', scopes: ['attendances:read'] });
  others.push(['a key without the scope', tryStart(reader.key)]);
  for (const [said, reply] of others) {
    const { status, headers } = await reply;
    t.notOk(status === 429 || 'ratelimit' in headers, said);
  }
  t.match(await tryStart(client.key), { status: 400 }, 'the one token is still there');
  await stopClock(client);
  t.match(await tryStart(client.key), { status: 429 });
});

t.test('a dry run is that of a start alone: elsewhere nobody gets by with its name', async (t) => {
  const client = await createLimited(1);
  const url = `/v1/attendances/${client.account_id}/messages?dry_run=true`;
  const fault = { code: 'validation_failed', errors: [{ pointer: '?dry_run', code: 'unknown_field' }] };
  t.match(await client.post(url, { text: 'Olá!' }), { status: 400, body: fault });
});

t.test('the document tells of it where it may happen, and nowhere else', async (t) => {
  const document = service.server.swagger() as unknown as { paths: Record<string, Record<string, Body>> };
  const limited = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { responses }]) => ('429' in responses ? [`${method} ${path}`] : [])),
  );
  t.ok(limited.includes('post /v1/attendances'));
  const may_queue = [
    '/v1/attendances',
    '/v1/attendances/{attendance_id}/retry',
    '/v1/attendances/{attendance_id}/messages',
  ];
  // Too many streams, or calls to the outside, are another matter.
  for (const one of limited.filter((said) => !/\/(events\/stream|check|sync|test)$/.test(said)))
    t.ok(
      may_queue.some((path) => one === `post ${path}`),
      one,
    );
});

t.test('a bucket that cannot be read admits nobody: 503 database_unavailable', async (t) => {
  const client = await createLimited(5);
  await tryStart(client.key);
  await service.db.transaction(async (trx) => {
    await trx('rate_buckets').where({ account_id: client.account_id }).forUpdate();
    t.match(await tryStart(client.key), { status: 503, body: { code: 'database_unavailable' } });
  });
  t.match(await tryStart(client.key), { status: 400 });
});

t.test(
  'two processes under load over one database admit no more than burst + rate × T, and not much less',
  async (t) => {
    const env = processSettings(databaseUrl(service.settings));
    const processes = await Promise.all([1, 2].map(() => startProcess(t, ['serve', '--no-lanes'], env)));
    const urls = processes.map(({ url }) => url);
    const admin = async (path: string, body: Body) =>
      (await callOver(`${urls[0]}/admin/v1/accounts${path}`, env.CONVERSAR_ADMIN_TOKEN, 'POST', body)).body;
    const [per_second, burst] = [20, 10];
    const account = await admin('', { name: 'x', starts_per_second: per_second, starts_burst: burst });
    const { key } = await admin(`/${account.id}/api-keys`, { name: 'x' });
    const statuses: number[] = [];
    const began = performance.now();
    const goesOn = () => {
      const took_ms = performance.now() - began;
      return took_ms < 2_000 || (!statuses.includes(429) && took_ms < patience_ms);
    };
    const hammer = async (url: string | undefined) => {
      while (goesOn()) statuses.push((await callOver(`${url}/v1/attendances`, key, 'POST', {})).status);
    };
    await Promise.all(Array.from({ length: 8 }, (_, place) => hammer(urls[place % 2])));
    const seconds = (performance.now() - began) / 1000;
    const admitted = statuses.filter((status) => status === 400).length;
    const most = burst + per_second * seconds;
    t.same(new Set(statuses), new Set([400, 429]));
    t.ok(admitted <= most, `${admitted} of at most ${most} in ${seconds} s`);
    // Nobody admits more than ask: on a machine that is short of time those may be few.
    t.ok(admitted >= 0.6 * Math.min(most, statuses.length), `${admitted} of at most ${most} in ${seconds} s`);
  },
);
