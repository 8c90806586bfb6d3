import t from 'tap';
import { simulateWebhooks } from './listener.ts';
import { simulate } from './simulated.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read bodies of any shape
type Any = any;
const storyOf = ({ event, data }: Any) => (event === 'messages.update' ? data.status : event);

t.test('webhook/set › the nested body: 201, and find shows it; enabled false takes it away', async (t) => {
  const { evolution, listener, call } = await simulateWebhooks(t);
  const find = async () => (await call('/evolution/webhook/find/demo', { headers: { apikey: 'simulator-key' } })).body;
  const url = `${listener.origin}/evolution`;
  t.match(await find(), { enabled: true, url, headers: { 'x-token': 't-1' }, events: [], webhookByEvents: false });
  const off = { webhook: { enabled: false, url, headers: {}, events: [] } };
  t.match(await evolution.post('/webhook/set/demo', off), { status: 201, body: { enabled: false } });
  t.equal(await find(), null);
});

t.test('webhook/set › the flat body of older versions, or what is no address, header or event: 400', async (t) => {
  const { evolution } = await simulate(t);
  const url = 'http://127.0.0.1/hook';
  const webhook = { enabled: true, url };
  for (const body of [
    { enabled: true, url, webhook_by_events: false },
    { webhook: { url } },
    { webhook: { ...webhook, url: 'ftp://127.0.0.1' } },
    { webhook: { ...webhook, headers: { 'content-length': '1' } } },
    { webhook: { ...webhook, headers: { 'x-token': 'a\r\nb: c' } } },
    { webhook: { ...webhook, events: ['messages.upsert'] } },
  ]) {
    t.match(
      await evolution.post('/webhook/set/demo', body),
      { status: 400, body: { status: 400 } },
      JSON.stringify(body),
    );
  }
});

t.test('a text › the echo, then the acks, with the registered header and the id of the send', async (t) => {
  const { evolution, listener, settled } = await simulateWebhooks(t);
  const { body: sent } = await evolution.text('5531988880001');
  await settled();
  const bodies = listener.bodies();
  t.same(bodies.map(storyOf), ['send.message', 'SERVER_ACK', 'DELIVERY_ACK', 'READ']);
  t.ok(listener.posts().every(({ headers, path }) => headers['x-token'] === 't-1' && path === '/evolution'));
  const [echo, ...updates] = bodies;
  t.match(echo, {
    instance: 'demo',
    data: { key: { ...sent.key, fromMe: true }, message: { conversation: 'Olá' } },
    destination: `${listener.origin}/evolution`,
    sender: /^\d+@s\.whatsapp\.net$/,
    apikey: null,
  });
  for (const { data } of updates) {
    t.match(data, { keyId: sent.key.id, remoteJid: '553188880001@s.whatsapp.net', fromMe: true, messageId: /^cm/ });
  }
});

t.test('events › only those that were asked for; byEvents puts them behind the address', async (t) => {
  const { evolution, listener, settled } = await simulateWebhooks(t);
  const url = `${listener.origin}/by`;
  const webhook = { enabled: true, url, byEvents: true, events: ['MESSAGES_UPDATE'] };
  await evolution.post('/webhook/set/demo', { webhook });
  await evolution.text('5531988880001');
  await settled();
  t.same(
    listener.posts().map(({ path }) => path),
    ['/by/messages-update', '/by/messages-update', '/by/messages-update'],
  );
});

const stories: Record<string, string[]> = {
  '0701': [],
  '0702': ['SERVER_ACK'],
  '0703': ['SERVER_ACK', 'READ'],
  '0704': ['ERROR'],
  '0707': ['SERVER_ACK', 'ERROR', 'DELIVERY_ACK'],
  '0708': ['SERVER_ACK', 'DELIVERY_ACK', 'READ'],
  '0710': ['SERVER_ACK', 'DELIVERY_ACK', 'READ'],
  '0713': ['SERVER_ACK', 'DELIVERY_ACK', 'messages.upsert', 'messages.upsert', 'READ'],
  '0714': ['messages.upsert', 'SERVER_ACK', 'DELIVERY_ACK', 'READ'],
  '0715': ['SERVER_ACK', 'DELIVERY_ACK', 'READ'],
};
for (const [digits, story] of Object.entries(stories)) {
  t.test(`to …${digits} › after the echo: ${story.join(', ') || 'silence'}`, async (t) => {
    const { evolution, listener, settled } = await simulateWebhooks(t);
    t.equal((await evolution.text(`553198888${digits}`)).status, 201);
    await settled();
    t.same(listener.bodies().map(storyOf), ['send.message', ...story]);
  });
}

t.test('to …0709 › everything twice, backwards; to …0712 with the wrong token first', async (t) => {
  const { evolution, listener, settled } = await simulateWebhooks(t);
  await evolution.text('5531988880709');
  await settled();
  t.same(listener.bodies().slice(0, 4).map(storyOf), ['READ', 'READ', 'DELIVERY_ACK', 'DELIVERY_ACK']);
  await evolution.text('5531988880712');
  await settled();
  const tokens = listener
    .posts()
    .slice(8)
    .map(({ headers }) => headers['x-token']);
  t.same(tokens, ['wrong', 't-1', 'wrong', 't-1', 'wrong', 't-1', 'wrong', 't-1']);
});

t.test('to an @lid › acks name it as it was sent to', async (t) => {
  const { evolution, listener, settled } = await simulateWebhooks(t);
  await evolution.text('138401042920001@lid');
  await settled();
  t.match(listener.bodies()[1], { event: 'messages.update', data: { remoteJid: '138401042920001@lid' } });
});

t.test('POST /_webhooks/evolution › data is put into the envelope, an envelope goes as it is', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t);
  await post('/_webhooks/evolution?event=connection.update', { instance: 'demo', state: 'close', statusReason: 401 });
  await settled();
  await post('/_webhooks/evolution', { event: 'call', data: [] });
  await settled();
  t.match(listener.bodies(), [
    { event: 'connection.update', instance: 'demo', data: { state: 'close' } },
    { event: 'call' },
  ]);
  t.same(listener.bodies()[1], { event: 'call', data: [] });
});
