import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { demo_values } from '../../src/simulator/demo-values.ts';
import { answer, holdClosedPort, type Reaction, staySilent } from '../support/scripted-server.ts';
import { timed } from '../support/timed.ts';
import { listen, simulateWebhooks, storyOf, takeAll } from './listener.ts';
import { simulate } from './simulated.ts';

const { waba_id, phone_number_id } = demo_values.graph;
const to = '+5531988880001';

t.test('a subscription › shakes hands with the token first', async (t) => {
  const { listener, graph } = await simulateWebhooks(t);
  const [handshake] = listener.requests;
  const { pathname, searchParams } = new URL(handshake?.path ?? '', 'http://listener');
  t.equal(handshake?.method, 'GET');
  t.same(
    [pathname, searchParams.get('hub.mode'), searchParams.get('hub.verify_token')],
    ['/graph', 'subscribe', 'token-1'],
  );
  t.match(searchParams.get('hub.challenge'), /^\d{10}$/);
  const { body } = await graph.get(`${waba_id}/subscribed_apps`);
  t.match(body, { data: [{ override_callback_uri: `${listener.origin}/graph` }] });
});

const refusing: Record<string, Reaction> = {
  'does not give the challenge back': answer(200, 'hello'),
  'answers 403': answer(403, ''),
  'redirects elsewhere': answer(302, '', { location: '/other' }),
};
for (const [title, reaction] of Object.entries(refusing)) {
  t.test(`a subscription › of an address that ${title}: code 2200, and it is never called again`, async (t) => {
    const { graph } = await simulate(t);
    const listener = await listen(t);
    listener.script(reaction);
    const callback = { override_callback_uri: listener.origin, verify_token: 'token-1' };
    t.match(await graph.post(`${waba_id}/subscribed_apps`, callback), { status: 400, body: { error: { code: 2200 } } });
    await graph.text(to);
    t.equal(listener.requests.length, 1);
  });
}

t.test('a subscription › of nothing that listens: code 2200; of no address or token: code 100', async (t) => {
  const { graph } = await simulate(t);
  const subscribe = (override_callback_uri: string, verify_token = 'token-1') =>
    graph.post(`${waba_id}/subscribed_apps`, { override_callback_uri, verify_token });
  t.match(await subscribe(`http://127.0.0.1:${await holdClosedPort(t)}`), {
    status: 400,
    body: { error: { code: 2200 } },
  });
  for (const url of [
    'file:///etc/passwd',
    'no address',
    'http://a:b@127.0.0.1',
    `http://127.0.0.1/${'a'.repeat(200)}`,
  ]) {
    t.match(await subscribe(url), { status: 400, body: { error: { code: 100 } } }, url);
  }
  t.match(await subscribe('http://127.0.0.1', ''), { status: 400, body: { error: { code: 100 } } });
});

t.test(
  'a subscription › of a phone number goes before that of its account; without an address it is taken away',
  async (t) => {
    const { graph, listener, settled } = await simulateWebhooks(t);
    const own = await listen(t);
    const configure = (override_callback_uri: string) =>
      graph.post(phone_number_id, { webhook_configuration: { override_callback_uri, verify_token: 'token-2' } });
    t.match(await configure(own.origin), { status: 200, body: { success: true } });
    await graph.text(to);
    await settled();
    t.same([own.posts().length, listener.posts().length], [3, 0]);
    t.equal((await configure('')).status, 200);
    await graph.text(to);
    await settled();
    t.same([own.posts().length, listener.posts().length], [3, 3]);
  },
);

t.test('without a registration › nothing is called, and nothing is queued', async (t) => {
  const { graph, evolution, settled } = await simulate(t);
  await graph.text(to);
  await evolution.text(to);
  t.same(await settled(), []);
});

t.test('Graph › whatever is not 200 is tried again with the same bytes, and holds up nothing behind it', async (t) => {
  const { graph, listener, settled } = await simulateWebhooks(t);
  listener.script(answer(404, ''), answer(500, ''), answer(201, ''), takeAll);
  await graph.text(to);
  const entries = await settled();
  t.same(
    entries.map(({ about, state }) => [about, state]),
    [
      ['sent', 'delivered'],
      ['delivered', 'delivered'],
      ['read', 'delivered'],
    ],
  );
  const statuses = entries.flatMap(({ attempts }) => attempts.map(({ status }) => status)).sort();
  t.same(statuses, [200, 200, 200, 201, 404, 500]);
  for (const { body } of entries) t.ok(listener.posts().filter((post) => post.body === body).length >= 1);
  t.equal(new Set(listener.posts().map(({ body }) => body)).size, 3);
});

t.test('Graph › gives up after 8 tries, or as many as are said, and counts it', async (t) => {
  for (const webhook_tries of [undefined, 3, 20]) {
    const tries = webhook_tries ?? 8;
    const { call, post, listener, settled } = await simulateWebhooks(t, {
      webhook_retry_ms: 0,
      ...(webhook_tries === undefined ? {} : { webhook_tries }),
    });
    listener.script(answer(500, ''));
    await post('/_webhooks/graph', { statuses: [] });
    t.match(await settled(), [{ state: 'given_up', attempts: { length: tries } }]);
    t.equal(listener.posts().length, tries);
    t.match((await call('/_webhooks')).body, { given_up: 1 });
    await call('/_webhooks', { method: 'DELETE' });
    t.match((await call('/_webhooks')).body, { given_up: 0 });
  }
});

t.test('Evolution › 404 ends it, 500 is tried again up to 10 times', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t, { webhook_retry_ms: 1 });
  listener.script(answer(404, ''));
  await post('/_webhooks/evolution?event=connection.update', { state: 'open' });
  t.match(await settled(), [{ state: 'given_up', attempts: { length: 1 } }]);
  listener.script(answer(500, ''));
  await post('/_webhooks/evolution?event=connection.update', { state: 'open' });
  t.match((await settled())[1], { state: 'given_up', attempts: { length: 10 } });
});

t.test('a redirect › is not followed', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t, { webhook_retry_ms: 1 });
  const other = await listen(t);
  listener.script(answer(307, '', { location: other.origin }));
  await post('/_webhooks/graph', {});
  await settled();
  t.equal(other.connections(), 0);
});

t.test('a listener that stays silent › is given its time, then tried again', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t, { webhook_timeout_ms: 2_000 });
  listener.script(staySilent, takeAll);
  await post('/_webhooks/graph', {});
  t.match(await settled(), [
    {
      state: 'delivered',
      attempts: [
        { status: null, error: 'timeout' },
        { status: 200, error: null },
      ],
    },
  ]);
});

t.test('an answer without an end › is not read for ever', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t, { webhook_timeout_ms: 10_000 });
  const flood: Reaction = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = `4000\r\n${'a'.repeat(0x4000)}\r\n`;
    const pour = () => socket.writable && socket.write(chunk, pour);
    pour();
  };
  listener.script(flood, takeAll);
  await post('/_webhooks/graph', {});
  t.match(await settled(), [{ attempts: [{ status: null, error: 'answer too long' }, { status: 200 }] }]);
});

t.test('mode › reverse and repeat: everything comes backwards, so often', async (t) => {
  const { post, graph, listener, settled } = await simulateWebhooks(t);
  t.match((await post('/_webhooks/mode', { order: 'reverse', repeat: 2 })).body, { order: 'reverse', repeat: 2 });
  await graph.text(to);
  await settled();
  t.same(listener.bodies().map(storyOf), ['read', 'read', 'delivered', 'delivered', 'sent', 'sent']);
  t.equal(new Set(listener.posts().map(({ body }) => body)).size, 3, 'repeats are the same bytes');
});

t.test('mode › shuffle: the same bodies, each once, in some other order', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t);
  await post('/_webhooks/mode', { order: 'shuffle' });
  await post('/_persons/5531988880003/messages', { text: 'Oi', count: 60 });
  const entries = await settled();
  const texts = entries.map(({ body }) => JSON.parse(body ?? '').entry[0].changes[0].value.messages[0].text.body);
  const written = Array.from({ length: 60 }, (_, index) => `Oi ${index + 1}`);
  t.notSame(texts, written);
  t.same([...texts].sort(), [...written].sort());
  t.equal(listener.posts().length, 60);
});

t.test('mode › delay_ms: each waits so long', async (t) => {
  const { post, graph, settled } = await simulateWebhooks(t);
  await post('/_webhooks/mode', { delay_ms: 70 });
  const started_at = performance.now();
  await graph.text(to);
  t.equal((await settled()).length, 3);
  t.ok(performance.now() - started_at >= 205);
});

t.test('mode › what it does not know: 400', async (t) => {
  const { post } = await simulate(t);
  for (const mode of [{ order: 'sideways' }, { repeat: 0 }, { repeat: 11 }, { delay_ms: -1 }, { oder: 'reverse' }]) {
    t.equal((await post('/_webhooks/mode', mode)).status, 400, JSON.stringify(mode));
  }
});

t.test('the queue › takes 10,000; what does not fit is dropped and counted; DELETE empties it', async (t) => {
  const { post, call, listener } = await simulateWebhooks(t, { webhook_timeout_ms: 60_000 });
  listener.script(staySilent);
  for (let sent = 0; sent < 10_500; sent += 500) await post('/_persons/5531988880003/messages', { count: 500 });
  t.match((await call('/_webhooks?after=1000000')).body, { pending: 10_000, dropped: 500 });
  t.equal((await call('/_webhooks', { method: 'DELETE' })).status, 204);
  t.match((await call('/_webhooks')).body, { data: [], pending: 0, dropped: 0 });
});

t.test('close › ends what waits and what is in the air within a second', async (t) => {
  const { post, graph, listener, close } = await simulateWebhooks(t, { webhook_timeout_ms: 60_000 });
  listener.script(staySilent);
  // This one's answer waits for its webhooks.
  const answered = Promise.allSettled([graph.text('+5531988880708')]);
  await post('/_persons/5531988880003/messages', { count: 50 });
  await listener.received(10);
  const { took_ms } = await timed(close);
  t.ok(took_ms < 1_000, `${took_ms} ms`);
  await answered;
});

t.test('a state file › registrations are read back, for their owner alone', async (t) => {
  const state_file = join(t.testdir(), 'simulator.jsonl');
  const { listener, close } = await simulateWebhooks(t, { state_file });
  await close();
  t.equal((await stat(`${state_file}.webhooks`)).mode & 0o777, 0o600);
  const again = await simulate(t, { state_file });
  await again.graph.text(to);
  await again.evolution.text(to);
  await again.settled();
  t.equal(listener.posts().length, 3 + 4);
});
