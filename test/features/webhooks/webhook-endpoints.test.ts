import type { ServerResponse } from 'node:http';
import t from 'tap';
import { startReceiver, verify } from '../../support/receiver.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const client = await service.createClient();
const crm = await startReceiver(t);
const base = '/v1/webhook-endpoints';

async function make(over: Record<string, unknown> = {}): Promise<Body> {
  const { status, body, text } = await client.post(base, { url: `${crm.url}/hook`, ...over });
  if (status !== 201) throw new Error(text);
  return body;
}

t.test('POST /v1/webhook-endpoints', async (t) => {
  t.test('shows the secret here and nowhere else', async (t) => {
    const { secret, ...endpoint } = await make({ events: ['message.received'], description: 'CRM' });
    t.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    t.match(endpoint, {
      url: `${crm.url}/hook`,
      events: ['message.received'],
      description: 'CRM',
      is_enabled: true,
      disabled_reason: null,
      failing_since: null,
    });
    const read = await client.get(`${base}/${endpoint.id}`);
    t.same(read.body, endpoint);
    t.same((await client.get(base)).body.data[0], endpoint);
    const row = await service.db('webhook_endpoints').where({ id: endpoint.id }).first();
    const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64');
    t.notOk(row?.secret.includes(bytes), 'it is sealed');
  });

  t.test('hears of all types when none are named, and may begin disabled', async (t) => {
    t.equal((await make()).events, null);
    t.equal((await make({ events: null })).events, null);
    t.match(await make({ is_enabled: false }), { is_enabled: false, disabled_reason: 'by_request' });
  });

  t.test('a type that there is not, none at all, or an unknown member: 400, and nothing is made', async (t) => {
    const before = (await service.db('webhook_endpoints').count())[0];
    for (const over of [{ events: ['message.lost'] }, { events: [] }, { secret: 'whsec_mine' }, { url: 'x' }])
      t.match(await client.post(base, { url: `${crm.url}/hook`, ...over }), { status: 400 });
    t.same((await service.db('webhook_endpoints').count())[0], before);
  });

  t.test('a URL that may not be called: 422 url_not_allowed', async (t) => {
    const refused = [
      ['ftp://crm.example/hook', 'scheme'],
      ['https://user:pass@crm.example/hook', 'userinfo'],
      ['https://10.0.0.1/hook', 'address'],
      ['https://[fd00::1]/hook', 'address'],
      ['https://169.254.169.254/latest', 'address'],
      ['http://203.0.113.1/hook', 'address'],
      ['http://8.8.8.8/hook', 'plain_http'],
      ['https://', 'malformed'],
    ];
    for (const [url = '', reason = ''] of refused) {
      const answer = await client.post(base, { url });
      t.match(answer, { status: 422, body: { code: 'url_not_allowed', errors: [{ pointer: '/url' }] } }, url);
      t.ok(answer.body.detail.includes(reason), url);
    }
  });

  t.test('the same key again: the endpoint is made once and its secret is not shown twice', async (t) => {
    const headers = { 'idempotency-key': 'endpoint-once' };
    const body = { url: `${crm.url}/once` };
    const first = await client.post(base, body, headers);
    t.equal(first.status, 201);
    const second = await client.post(base, body, headers);
    t.match(second, { status: 409, body: { code: 'secret_already_shown' } });
    t.notOk(second.text.includes(first.body.secret));
    t.equal((await service.db('webhook_endpoints').where({ url: body.url })).length, 1);
  });
});

t.test('where only public addresses may be called, a name is judged by all of its addresses', async (t) => {
  const strict = await startService(t, { with_lanes: false, env: { CONVERSAR_ALLOWED_PRIVATE_RANGES: '' } });
  const stranger = await strict.createClient();
  t.match(await stranger.post(base, { url: 'https://localhost/hook' }), {
    status: 422,
    body: { code: 'url_not_allowed' },
  });
  t.match(await stranger.post(base, { url: 'https://nowhere.invalid/hook' }), { status: 201 }, 'it may come to be');
  const { body } = await stranger.get(base);
  const path = `${base}/${body.data[0].id}`;
  t.match(await stranger.call('PATCH', path, { url: 'https://localhost/hook' }), { status: 422 });
  t.equal((await stranger.get(path)).body.url, 'https://nowhere.invalid/hook');
});

t.test('PATCH changes what is given', async (t) => {
  const { secret: _, ...endpoint } = await make({ description: 'CRM' });
  const path = `${base}/${endpoint.id}`;
  const { body } = await client.call('PATCH', path, { events: ['contact.created'], description: null });
  t.match(body, { events: ['contact.created'], description: null, url: endpoint.url });
  t.equal((await client.call('PATCH', path, { events: null })).body.events, null);
  t.match((await client.call('PATCH', path, { is_enabled: false })).body, { disabled_reason: 'by_request' });
  t.match((await client.call('PATCH', path, { is_enabled: false })).body, { disabled_reason: 'by_request' });
  t.match((await client.call('PATCH', path, { is_enabled: true })).body, { is_enabled: true, disabled_reason: null });
  t.equal((await client.call('PATCH', path, {})).status, 400);
  const told = await service.db('events').where({ type: 'webhook_endpoint.disabled' });
  t.equal(told.length, 1, 'told once, when it was');
});

t.test('DELETE takes it away with its deliveries', async (t) => {
  const { id } = await make();
  t.equal((await client.call('DELETE', `${base}/${id}`)).status, 204);
  for (const path of [`${base}/${id}`, `${base}/${id}/deliveries`])
    t.match(await client.get(path), { status: 404, body: { code: 'webhook_endpoint_not_found' } });
  t.match(await client.call('DELETE', `${base}/${id}`), { status: 404 });
});

t.test('of one account at most eight wait for somebody outside at once', async (t) => {
  const held: ServerResponse[] = [];
  crm.answer('/held', (response) => held.push(response));
  const endpoint = await make({ url: `${crm.url}/held`, is_enabled: false });
  const ask = () => client.post(`${base}/${endpoint.id}/test`);
  const asked = Array.from({ length: 8 }, ask);
  await eventually(
    async () => held.length,
    (count) => count === 8,
  );
  t.match(await ask(), { status: 429, body: { code: 'too_many_calls', retryable: true } });
  for (const response of held) response.writeHead(204).end();
  for (const { status } of await Promise.all(asked)) t.equal(status, 200);
  crm.answer('/held', (response) => response.writeHead(204).end());
  t.match(await ask(), { status: 200 }, 'and then there is room again');
});

t.test('POST …/test sends a signed event at once and tells what came of it', async (t) => {
  const { secret, ...endpoint } = await make({ url: `${crm.url}/test`, is_enabled: false });
  const path = `${base}/${endpoint.id}/test`;
  t.match((await client.post(path)).body, { is_delivered: true, status_code: 204, error: null, response: '' });
  const [call] = crm.callsOf('/test');
  if (!call) throw new Error('nothing came');
  const event = verify(secret, call);
  t.match(event, { type: 'webhook_endpoint.test', sequence: null, data: endpoint });
  t.equal(call.headers['webhook-id'], event.id);
  t.equal((await service.db('events').where({ type: 'webhook_endpoint.test' })).length, 0, 'it stands in no feed');

  crm.answer('/test', (response) => response.writeHead(500).end('broken'));
  t.match((await client.post(path)).body, {
    is_delivered: false,
    status_code: 500,
    error: 'status',
    response: 'broken',
  });
  crm.answer('/test', (response) => response.writeHead(302, { location: `${crm.url}/elsewhere` }).end());
  t.match((await client.post(path)).body, { is_delivered: false, status_code: 302 });
  t.equal(crm.callsOf('/elsewhere').length, 0, 'a redirect is not followed');
  crm.answer('/test', (response) => response.end('a'.repeat(70_000)));
  const long = (await client.post(path)).body;
  t.match(long, { is_delivered: true, status_code: 200 });
  t.equal(long.response.length, 4_096);
  crm.answer('/test', (response) => response.socket?.destroy());
  t.match((await client.post(path)).body, { is_delivered: false, status_code: null, response: null });
});
