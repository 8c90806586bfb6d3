import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { readConfig } from '../../src/config.ts';
import { createServer } from '../../src/http/server.ts';
import { captureLog } from '../support/log.ts';
import { eventually, type Reply, startService } from '../support/service.ts';

const { log, lines } = captureLog();
const service = await startService(t, { with_lanes: false, log });
const company = await service.createCompany();
const uuid_v7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

t.test('every answer', async (t) => {
  const answers: [string, () => Promise<Reply>][] = [
    ['200', () => company.get('/v1/teams')],
    ['201', () => company.post('/v1/contacts', { phone: '31988880009' })],
    ['400', () => company.post('/v1/contacts', {})],
    ['401', () => service.send(null, 'GET', '/v1/teams')],
    ['404', () => company.get(`/v1/teams/${uuid()}`)],
    ['404 of no path', () => company.get('/v1/nothing')],
    ['413', () => company.post('/v1/contacts', `"${'x'.repeat(256 * 1024)}"`)],
    ['health', () => service.send(null, 'GET', '/health/live')],
    ['the document', () => service.send(null, 'GET', '/openapi.json')],
  ];
  for (const [title, ask] of answers) {
    t.test(`${title}: has a request id of ours, is not cached, and nothing may frame, sniff or run it`, async (t) => {
      const { headers } = await ask();
      t.match(headers, {
        'x-request-id': uuid_v7,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-frame-options': /./,
        'referrer-policy': 'no-referrer',
        'strict-transport-security': /max-age=\d+/,
      });
      t.match(headers['content-security-policy'], "default-src 'none'");
      t.notOk('x-powered-by' in headers);
      t.notOk('server' in headers);
      t.notOk('access-control-allow-origin' in headers, 'no CORS unless it is set');
    });
  }
  t.test('has another request id each time, whatever the caller sends', async (t) => {
    const given = uuid();
    const ids = new Set([given]);
    for (let n = 0; n < 3; n += 1) {
      const { headers } = await company.get('/v1/teams', { 'x-request-id': given });
      ids.add(String(headers['x-request-id']));
    }
    t.equal(ids.size, 4);
  });
});

t.test('a body of exactly 256 KB is taken, one byte more is 413', async (t) => {
  const body = JSON.stringify({ phone: '31988880010' });
  const padded = body.padEnd(256 * 1024, ' ');
  t.match(await company.post('/v1/contacts', `${padded} `), { status: 413 });
  t.match(await company.post('/v1/contacts', padded), { status: 201 });
});

t.test('UTF-8 goes in and comes out whole', async (t) => {
  const name = 'João 👩‍👩‍👧 عربى ﷽ e\u0301';
  const { body } = await company.post('/v1/contacts', { phone: '31988880011', name });
  t.equal(body.name, name);
});

t.test('a body that is no UTF-8 is refused, and not mended in silence', async (t) => {
  const headers = { authorization: `Bearer ${company.key}`, 'content-type': 'application/json' };
  for (const bad of ['\xff', '\xe9', '\xc3(', '\xed\xa0\x80', '\xf4\x90\x80\x80', '\xc0\x80']) {
    const payload = Buffer.from(`{"phone":"31988880012","name":"Jo${bad}o"}`, 'latin1');
    const reply = await service.server.inject({ method: 'POST', url: '/v1/contacts', headers, payload });
    t.match(reply.json(), { status: 400, code: 'malformed_body' }, JSON.stringify(bad));
  }
  t.match((await company.get('/v1/contacts?search=31988880012')).body, { data: [] });
});

t.test('the documentation is served by ourselves', async (t) => {
  const { status, headers, text } = await service.send(null, 'GET', '/docs/');
  t.equal(status, 200);
  t.match(headers['content-type'], 'text/html');
  t.notMatch(text, /(src|href)="(https?:)?\/\//, 'nothing of it comes from elsewhere');
});

t.test('one line is logged per request', async (t) => {
  const trace_id = '4bf92f3577b34da6a3ce929d0e0e4736';
  const { headers } = await company.get('/v1/contacts?search=Ana%20Sigilosa', {
    traceparent: `00-${trace_id}-00f067aa0ba902b7-01`,
  });
  const said = lines().filter((line) => line.reqId === headers['x-request-id']);
  t.equal(said.length, 1);
  t.match(said[0], {
    msg: 'http.request',
    method: 'GET',
    route: '/v1/contacts',
    status: 200,
    client_ip: '127.0.0.1',
    duration_ms: Number,
    account_id: company.account_id,
    api_key_id: uuid_v7,
    trace_id,
  });
  t.notMatch(JSON.stringify(said), 'Sigilosa', 'without the query: it may hold names and numbers');
});

t.test('CORS', async (t) => {
  const origin = 'https://crm.example';
  const preflight = (origin: string) => ({
    method: 'OPTIONS' as const,
    url: '/v1/attendances',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,idempotency-key,prefer',
    },
  });
  t.test('is off unless CONVERSAR_CORS_ORIGINS is set', async (t) => {
    const reply = await service.server.inject(preflight(origin));
    t.equal(reply.statusCode, 404);
    t.notOk('access-control-allow-origin' in reply.headers);
  });
  t.test('lets the origins in that are named, and no others', async (t) => {
    const open = await startService(t, {
      with_lanes: false,
      env: { CONVERSAR_CORS_ORIGINS: `https://b.example,${origin}` },
    });
    const { statusCode, headers } = await open.server.inject(preflight(origin));
    t.equal(statusCode, 204);
    t.equal(headers['access-control-allow-origin'], origin);
    t.match(headers['access-control-allow-methods'], /POST/);
    for (const name of ['authorization', 'idempotency-key', 'prefer', 'accept-language']) {
      t.match(headers['access-control-allow-headers'], name);
    }
    const stranger = await open.server.inject(preflight('https://evil.example'));
    t.notOk('access-control-allow-origin' in stranger.headers);
    const refused = await open.send(null, 'GET', '/v1/teams', undefined, { origin });
    t.equal(refused.status, 401);
    t.equal(refused.headers['access-control-allow-origin'], origin, 'refusals can be read too');
    const readable = [
      'x-request-id',
      'retry-after',
      'location',
      'idempotent-replayed',
      'ratelimit',
      'ratelimit-policy',
    ];
    for (const name of readable) {
      t.ok(String(refused.headers['access-control-expose-headers']).split(', ').includes(name), name);
    }
  });
  t.test('an OPTIONS that is no preflight is answered, and not in plain text', async (t) => {
    const open = await startService(t, { with_lanes: false, env: { CONVERSAR_CORS_ORIGINS: '*' } });
    const reply = await open.server.inject({ method: 'OPTIONS', url: '/v1/teams' });
    t.equal(reply.statusCode, 204);
    t.equal(reply.body, '');
  });
  t.test('lets every origin in with *', async (t) => {
    const open = await startService(t, { with_lanes: false, env: { CONVERSAR_CORS_ORIGINS: '*' } });
    const { headers } = await open.server.inject(preflight(origin));
    t.equal(headers['access-control-allow-origin'], '*');
    t.notOk('access-control-allow-credentials' in headers);
  });
});

t.test('X-Forwarded-* count from the proxies of CONVERSAR_TRUST_PROXY alone', async (t) => {
  const said = '203.0.113.9, 198.51.100.7, 10.0.0.2';
  for (const [setting, from, ip] of [
    [undefined, '10.0.0.1', '10.0.0.1'],
    ['false', '10.0.0.1', '10.0.0.1'],
    ['true', '192.0.2.1', '203.0.113.9'],
    ['1', '10.0.0.1', '10.0.0.2'],
    ['2', '10.0.0.1', '198.51.100.7'],
    ['10.0.0.0/8', '10.0.0.1', '198.51.100.7'],
    ['10.0.0.1', '10.0.0.1', '10.0.0.2'],
    ['10.0.0.0/8', '192.0.2.1', '192.0.2.1'],
  ] as const) {
    const config = readConfig(setting === undefined ? {} : { CONVERSAR_TRUST_PROXY: setting });
    const server = await createServer(config, pino({ level: 'silent' }));
    server.get('/whence', async (request) => ({ ip: request.ip, protocol: request.protocol }));
    const reply = await server.inject({
      url: '/whence',
      remoteAddress: from,
      headers: { 'x-forwarded-for': said, 'x-forwarded-proto': 'https' },
    });
    t.same(reply.json(), { ip, protocol: ip === from ? 'http' : 'https' }, `${setting}, from ${from}`);
    await server.close();
  }
});

t.test('Fastify is at least 5.12.6: below it CVE-2026-107832 is open', async (t) => {
  const read = (path: string | URL) => JSON.parse(readFileSync(path, 'utf8'));
  const { version } = read(createRequire(import.meta.url).resolve('fastify/package.json'));
  const asked = read(new URL('../../package.json', import.meta.url)).dependencies.fastify;
  t.equal(asked, version, 'the exact one that package.json asks for');
  const [major = 0, minor = 0, patch = 0] = String(version).split('.').map(Number);
  t.ok(major * 1e6 + minor * 1e3 + patch >= 5_012_006, version);
});

t.test('who hangs up is no lost database, and leaves a line', async (t) => {
  const said = captureLog();
  const open = await startService(t, { with_lanes: false, log: said.log, over_http: true });
  const client = await open.createCompany();
  const { port } = open.server.server.address() as AddressInfo;
  const ask = (text: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(text);
    return socket;
  };
  const head = (line: string, more: string) =>
    `${line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${client.key}\r\ncontent-type: application/json\r\n${more}\r\n`;
  const lines = (msg: string) => said.lines().filter((line) => line.msg === msg);

  // Until one of them came as far as to be a request.
  await eventually(
    async () => {
      const torn = ask(`${head('POST /v1/contacts', 'content-length: 1000\r\n')}{"phone":`);
      await delay(50);
      torn.destroy();
      return lines('http.request').filter(({ route, is_aborted }) => is_aborted && route === '/v1/contacts');
    },
    (found) => found.length > 0,
  );
  const waiting = JSON.stringify({
    ...{ contact: { phone: '31988880111' }, channel_id: client.unofficial_id, team_id: client.team_id, text: 'Olá!' },
  });
  const left = ask(
    head('POST /v1/attendances', `prefer: wait=25\r\ncontent-length: ${Buffer.byteLength(waiting)}\r\n`) + waiting,
  );
  await eventually(
    () => open.db('messages').where({ channel_id: client.unofficial_id }).select('id'),
    (rows) => rows.length > 0,
  );
  left.destroy();
  const line = await eventually(
    async () => lines('http.request').find(({ route, is_aborted }) => is_aborted && route === '/v1/attendances'),
    (found) => found !== undefined,
  );
  t.match(line, { method: 'POST', status: null, account_id: client.account_id });
  t.same(lines('http.failed'), []);
});
