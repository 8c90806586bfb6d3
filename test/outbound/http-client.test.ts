import t, { type Test } from 'tap';
import { createHttpClient } from '../../src/outbound/http-client.ts';
import type { HttpOutcome, HttpRequest } from '../../src/outbound/outbound.ts';
import {
  answer,
  answerCut,
  closeConnection,
  holdClosedPort,
  resetConnection,
  type ScriptedServer,
  startScriptedServer,
  staySilent,
} from '../support/scripted-server.ts';
import { timed } from '../support/timed.ts';

const allowed_private_ranges = ['127.0.0.0/8', '::1/128'];
const secret = 'secret-token-7';

interface Stage {
  server: ScriptedServer;
  client: ReturnType<typeof createHttpClient>;
  post: (options?: Partial<HttpRequest>) => Promise<HttpOutcome>;
}

async function stage(t: Test, options: { connections?: number } = {}): Promise<Stage> {
  const server = await startScriptedServer();
  const client = createHttpClient({ allowed_private_ranges, ...options });
  t.teardown(async () => {
    await client.close();
    await server.close();
  });
  const post = (options: Partial<HttpRequest> = {}) => client.request({ ...requestTo(server.origin), ...options });
  return { server, client, post };
}

function requestTo(origin: string): HttpRequest {
  return {
    method: 'POST',
    url: `${origin}/instances/${secret}/send?key=${secret}`,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: '{"text":"olá"}',
    timeout_ms: 5_000,
    signal: AbortSignal.timeout(20_000),
  };
}

/** Every outcome that is no answer: its kind and reason, and no credential in what it tells. */
function expectOutcome(t: Test, outcome: HttpOutcome, kind: HttpOutcome['kind'], reason: string): void {
  t.match(outcome, { kind, reason });
  t.notMatch(JSON.stringify(outcome), secret, 'tells no credential');
}

t.test('answered › status, lower-case headers and body as they came, and the request as it was given', async (t) => {
  const { server, post } = await stage(t);
  server.script(answer(201, '{"é":1}', { 'X-Trace': 'abc', 'content-type': 'application/json' }));
  t.match(await post(), { kind: 'answered', status: 201, headers: { 'x-trace': 'abc' }, body: '{"é":1}' });
  t.match(server.requests, [
    {
      method: 'POST',
      path: `/instances/${secret}/send?key=${secret}`,
      headers: { authorization: `Bearer ${secret}`, 'accept-encoding': 'identity', 'content-length': '15' },
      body: '{"text":"olá"}',
    },
  ]);
});

t.test('answered › a redirect is not followed and a 503 is not tried again', async (t) => {
  const { server, post } = await stage(t);
  server.script(answer(307, '', { location: '/elsewhere' }), answer(503, 'later', { 'retry-after': '0' }));
  t.match(await post(), { kind: 'answered', status: 307, headers: { location: '/elsewhere' } });
  t.match(await post({ method: 'GET' }), { kind: 'answered', status: 503 });
  t.equal(server.requests.length, 2);
});

t.test('not_sent › a name without an address', async (t) => {
  const { post } = await stage(t);
  expectOutcome(t, await post({ url: `https://nowhere.invalid/${secret}` }), 'not_sent', 'dns');
});

t.test('not_sent › a port on which nothing listens', async (t) => {
  const { post } = await stage(t);
  const url = `http://127.0.0.1:${await holdClosedPort(t)}/${secret}`;
  expectOutcome(t, await post({ url }), 'not_sent', 'refused');
});

t.test('not_sent › a server that does not speak TLS', async (t) => {
  const { server, post } = await stage(t);
  server.onConnection((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  expectOutcome(t, await post({ url: `https://127.0.0.1:${server.port}/${secret}` }), 'not_sent', 'tls');
  t.equal(server.requests.length, 0);
});

t.test('not_sent › a connection that is reset within the TLS handshake', async (t) => {
  const { server, post } = await stage(t);
  server.onConnection((socket) => socket.once('data', () => socket.resetAndDestroy()));
  expectOutcome(t, await post({ url: `https://127.0.0.1:${server.port}/${secret}` }), 'not_sent', 'tls');
});

t.test('not_sent › a handshake that does not end within the connect timeout of 2 s', async (t) => {
  const { server, post } = await stage(t);
  const call = () => post({ url: `https://127.0.0.1:${server.port}/${secret}`, timeout_ms: 10_000 });
  const { answer: outcome, took_ms } = await timed(call);
  expectOutcome(t, outcome, 'not_sent', 'connect_timeout');
  t.ok(took_ms < 5_000, `long before the timeout of the request: ${took_ms} ms`);
});

t.test('not_sent › the caller gives up while the connection is being made', async (t) => {
  const { server, post } = await stage(t);
  const giving_up = new AbortController();
  const pending = post({ url: `https://127.0.0.1:${server.port}/${secret}`, signal: giving_up.signal });
  await server.connected();
  giving_up.abort();
  expectOutcome(t, await pending, 'not_sent', 'aborted');
});

t.test('not_sent › the caller had given up before the call', async (t) => {
  const { server, post } = await stage(t);
  expectOutcome(t, await post({ signal: AbortSignal.abort() }), 'not_sent', 'aborted');
  t.equal(server.connections(), 0);
});

t.test('not_sent › time passes while it waits for a free connection, and it is not written later either', async (t) => {
  const { server, post } = await stage(t, { connections: 1 });
  server.script(staySilent);
  const first = post({ timeout_ms: 3_000, body: 'first' });
  await server.received(1);
  expectOutcome(t, await post({ timeout_ms: 50, body: 'second' }), 'not_sent', 'connect_timeout');
  expectOutcome(t, await first, 'unanswered', 'timeout');
  server.script(answer(200, 'ok'));
  t.match(await post({ body: 'third' }), { kind: 'answered', status: 200 });
  t.same(
    server.requests.map(({ body }) => body),
    ['first', 'third'],
  );
});

t.test('not_sent › addresses and forms that may not be called', async (t) => {
  const { server, post, client } = await stage(t);
  const strict = createHttpClient({ allowed_private_ranges: [] });
  t.teardown(() => strict.close());
  const https = `https://127.0.0.1:${server.port}/${secret}`;
  expectOutcome(
    t,
    await strict.request({ ...requestTo(server.origin), url: https }),
    'not_sent',
    'address_not_allowed',
  );
  const named = `https://localhost:${server.port}/${secret}`;
  expectOutcome(t, await strict.request({ ...requestTo(''), url: named }), 'not_sent', 'address_not_allowed');
  expectOutcome(t, await client.request(requestTo('http://8.8.8.8')), 'not_sent', 'address_not_allowed');
  expectOutcome(t, await post({ url: `ftp://127.0.0.1/${secret}` }), 'not_sent', 'url_invalid');
  expectOutcome(t, await post({ url: `http://ana:${secret}@127.0.0.1/` }), 'not_sent', 'url_invalid');
  expectOutcome(t, await post({ headers: { apikey: `${secret}\nx: y` } }), 'not_sent', 'url_invalid');
  t.equal(server.connections(), 0);
});

t.test('not_sent › a client that was closed', async (t) => {
  const { client, server } = await stage(t);
  await client.close();
  expectOutcome(t, await client.request(requestTo(server.origin)), 'not_sent', 'aborted');
});

t.test('unanswered › the server read the request and resets, closes or says nothing', async (t) => {
  const { server, post } = await stage(t);
  server.script(resetConnection, closeConnection, staySilent);
  expectOutcome(t, await post(), 'unanswered', 'reset');
  expectOutcome(t, await post({ method: 'GET' }), 'unanswered', 'reset');
  expectOutcome(t, await post({ timeout_ms: 3_000 }), 'unanswered', 'timeout');
  t.equal(server.requests.length, 3, 'each was written once');
});

t.test('unanswered › the caller gives up after the request was read', async (t) => {
  const { server, post } = await stage(t);
  const giving_up = new AbortController();
  server.script(() => giving_up.abort());
  expectOutcome(t, await post({ signal: giving_up.signal }), 'unanswered', 'aborted');
});

t.test('unanswered › an answer that is cut, trickles or is no HTTP', async (t) => {
  const { server, post } = await stage(t);
  server.script(
    answerCut(200, '{"messages":'),
    (socket) => socket.write('HTTP/1.1 200 Scripted\r\ncontent-length: 10\r\n\r\nfive.'),
    (socket) => socket.write('220 mail.example ESMTP\r\n'),
  );
  expectOutcome(t, await post(), 'unanswered', 'cut');
  expectOutcome(t, await post({ timeout_ms: 3_000 }), 'unanswered', 'timeout');
  expectOutcome(t, await post(), 'unanswered', 'reset');
});

t.test('unanswered › an answer above the bound, whether announced or chunked', async (t) => {
  const { server, post } = await stage(t);
  server.script(answer(200, 'x'.repeat(2_000)), (socket) => {
    socket.write(`HTTP/1.1 200 Scripted\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n${'x'.repeat(2_000)}\r\n`);
  });
  expectOutcome(t, await post({ max_response_bytes: 1_000 }), 'unanswered', 'too_large');
  expectOutcome(t, await post({ max_response_bytes: 1_000 }), 'unanswered', 'too_large');
  server.script(answer(200, 'x'.repeat(1_000)));
  t.match(await post({ max_response_bytes: 1_000 }), { kind: 'answered' }, 'the bound itself is allowed');
});

t.test('unanswered › the client is closed while a request is in the air', async (t) => {
  const { server, post, client } = await stage(t);
  server.script(staySilent);
  const pending = post();
  await server.received(1);
  await client.close();
  expectOutcome(t, await pending, 'unanswered', 'aborted');
});

t.test('keep-alive › a connection is used again while it is young', async (t) => {
  const { server, post } = await stage(t, { connections: 1 });
  server.script(answer(200, 'ok'));
  await post();
  await post();
  t.equal(server.connections(), 1);
  t.equal(server.requests.length, 2);
});

t.test('keep-alive › a connection that the peer has closed meanwhile is not written to', async (t) => {
  const { server, post } = await stage(t, { connections: 1 });
  const closed: Promise<void>[] = [];
  server.onConnection((socket) => closed.push(new Promise((resolve) => socket.once('close', () => resolve()))));
  server.script((socket, request) => {
    answer(200, 'ok')(socket, request);
    socket.end();
  });
  await post();
  await closed[0];
  t.match(await post(), { kind: 'answered' });
  t.equal(server.connections(), 2);
});

t.test(
  'keep-alive › a reused connection that the peer resets on the second request: unanswered, never written twice',
  async (t) => {
    const { server, post } = await stage(t, { connections: 1 });
    server.script(answer(200, 'ok'), resetConnection, answer(200, 'ok'));
    await post({ body: 'first' });
    expectOutcome(t, await post({ body: 'second' }), 'unanswered', 'reset');
    t.equal(server.connections(), 1, 'it was the reused one');
    t.match(await post({ body: 'third' }), { kind: 'answered' });
    t.same(
      server.requests.map(({ body }) => body),
      ['first', 'second', 'third'],
    );
  },
);
