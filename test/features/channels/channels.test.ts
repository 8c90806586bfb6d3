import t from 'tap';
import { v7 as uuid } from 'uuid';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { assertRefused } from '../../support/refusal.ts';
import { type Body, type Reply, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const official = (members: Body = {}) => ({
  name: `Oficial ${uuid()}`,
  provider: 'whatsapp_cloud',
  base_url: `${service.simulator.url}/graph`,
  credentials: demo_values.graph,
  ...members,
});
const gateway = (members: Body = {}) => ({
  name: `Gateway ${uuid()}`,
  provider: 'evolution',
  base_url: `${service.simulator.url}/evolution`,
  credentials: demo_values.evolution,
  ...members,
});

t.test('POST /v1/channels', async (t) => {
  t.test('201 with an official channel, where it is, and what a GET shows', async (t) => {
    const body = official({ name: 'Vendas', phone: '(31) 8888-0000', default_team_id: company.team_id });
    const { status, headers, body: channel } = await company.post('/v1/channels', body);
    t.equal(status, 201);
    t.equal(headers.location, `/v1/channels/${channel.id}`);
    t.match(channel, {
      name: 'Vendas',
      type: 'official',
      provider: 'whatsapp_cloud',
      phone: '+5531988880000',
      status: 'unknown',
      status_detail: null,
      capabilities: { requires_template: true, opens_without_message: false },
      default_team_id: company.team_id,
      webhook: { url: `http://conversar.test/v1/inbound/${channel.id}`, headers: {} },
      send_within_s: 3_600,
      on_unknown: 'hold',
      max_per_second: 80,
      stuck_after_s: 600,
      reopen_within_s: 0,
      templates_synced_at: null,
    });
    t.same((await company.get(`/v1/channels/${channel.id}`)).body, channel);
  });
  t.test('201 with an unofficial channel', async (t) => {
    const { status, body } = await company.post('/v1/channels', gateway());
    t.equal(status, 201);
    t.match(body, { type: 'unofficial', phone: null, max_per_second: 1, capabilities: { requires_template: false } });
    t.same(body.webhook.headers, { 'x-conversar-token': body.webhook.verify_token });
  });
  t.test('an official one is at Meta’s address unless said otherwise, a slash at its end aside', async (t) => {
    const { body } = await company.post('/v1/channels', official({ base_url: undefined }));
    t.equal(body.base_url, 'https://graph.facebook.com');
    const given = await company.post('/v1/channels', official({ base_url: 'https://graph.example/x//' }));
    t.equal(given.body.base_url, 'https://graph.example/x');
  });
  t.test('keeps its settings', async (t) => {
    const settings = {
      send_within_s: 60,
      on_unknown: 'fail',
      max_per_second: 1_000,
      stuck_after_s: 5,
      reopen_within_s: 86_400,
    };
    t.match((await company.post('/v1/channels', gateway(settings))).body, settings);
  });
  t.test('asks no provider: one that does not answer is no reason to refuse', async (t) => {
    const reply = await company.post('/v1/channels', gateway({ base_url: 'http://127.0.0.1:9' }));
    t.match(reply, { status: 201, body: { status: 'unknown' } });
  });
  t.test('two have two verify tokens', async (t) => {
    const [one, other] = [await company.post('/v1/channels', gateway()), await company.post('/v1/channels', gateway())];
    t.not(one.body.webhook.verify_token, other.body.webhook.verify_token);
    t.ok(one.body.webhook.verify_token.length >= 32);
  });

  const refusals: [string, Body, number, string, string][] = [
    ['a name that a channel has', gateway({ name: 'Gateway' }), 409, 'channel_exists', '/name'],
    ['a team that does not exist', gateway({ default_team_id: uuid() }), 404, 'team_not_found', '/default_team_id'],
    ['a phone that is none', gateway({ phone: 'x' }), 422, 'phone_invalid', '/phone'],
    ['a phone without area code', gateway({ phone: '98888-0000' }), 422, 'phone_area_code_missing', '/phone'],
    ['a private address', gateway({ base_url: 'https://10.0.0.1' }), 422, 'url_not_allowed', '/base_url'],
    ['a metadata address', gateway({ base_url: 'http://169.254.169.254/' }), 422, 'url_not_allowed', '/base_url'],
    ['a user in the URL', gateway({ base_url: 'https://a:b@gateway.example' }), 422, 'url_not_allowed', '/base_url'],
    ['another scheme', gateway({ base_url: 'ftp://gateway.example' }), 422, 'url_not_allowed', '/base_url'],
    ['what is no URL', gateway({ base_url: 'gateway.example' }), 422, 'url_not_allowed', '/base_url'],
    ['a URL without its slashes', gateway({ base_url: 'https:a/' }), 422, 'url_not_allowed', '/base_url'],
    ['a query', gateway({ base_url: 'https://gateway.example/?a=' }), 422, 'url_not_allowed', '/base_url'],
  ];
  for (const [title, body, status, code, pointer] of refusals) {
    t.test(`refuses ${title}: ${status} ${code}, and nothing is saved`, async (t) => {
      await assertRefused(t, service, () => company.post('/v1/channels', body), { status, code, pointer });
    });
  }
  const malformed: [string, Body, string][] = [
    ['no provider', { name: 'x' }, '/provider'],
    ['an unknown provider', gateway({ provider: 'telegram' }), '/provider'],
    ['a gateway without its URL', gateway({ base_url: undefined }), '/base_url'],
    ['a credential too few', gateway({ credentials: { instance: 'demo' } }), '/credentials/api_key'],
    ['a credential too many', gateway({ credentials: { ...demo_values.evolution, x: '1' } }), '/credentials/x'],
    ['credentials of another provider', gateway({ credentials: demo_values.graph }), '/credentials/api_key'],
    [
      'a credential that is no text',
      gateway({ credentials: { ...demo_values.evolution, api_key: 7 } }),
      '/credentials/api_key',
    ],
    ['an unknown setting', gateway({ retries: 3 }), '/retries'],
    ['a pace of 0', gateway({ max_per_second: 0 }), '/max_per_second'],
    ['a pace of 1001', gateway({ max_per_second: 1_001 }), '/max_per_second'],
    ['a policy that is none', gateway({ on_unknown: 'retry' }), '/on_unknown'],
  ];
  for (const [title, body, pointer] of malformed) {
    t.test(`refuses ${title}: 400 at ${pointer}`, async (t) => {
      const reply = await company.post('/v1/channels', body);
      t.match(reply, { status: 400, body: { code: 'validation_failed' } });
      t.ok(
        reply.body.errors.some((one: Body) => one.pointer === pointer),
        reply.text,
      );
    });
  }
});

t.test("GET /v1/channels/{channel_id}: a missing id and another account's answer the same 404", async (t) => {
  const other = await service.createCompany();
  const answers = [];
  for (const id of [uuid(), other.official_id]) {
    const { status, body } = await company.get(`/v1/channels/${id}`);
    t.equal(status, 404);
    t.match(body, { code: 'channel_not_found', errors: [{ pointer: ':channel_id' }] });
    answers.push(JSON.stringify({ ...body, request_id: null }).replaceAll(id, 'id'));
  }
  t.equal(answers[0], answers[1]);
  const { body: theirs } = await other.get('/v1/channels');
  t.same(
    theirs.data.map(({ name }: Body) => name),
    ['Gateway', 'Oficial'],
  );
});

t.test('POST /v1/channels/{channel_id}/check', async (t) => {
  const check = async (body: Body): Promise<Reply> => {
    const { body: channel } = await company.post('/v1/channels', body);
    return company.post(`/v1/channels/${channel.id}/check`);
  };
  t.test('shows what the provider says now, and tells of it once', async (t) => {
    for (const body of [official(), gateway()]) {
      const { status, body: channel } = await check(body);
      t.equal(status, 200);
      t.equal(channel.status, 'connected');
      await company.post(`/v1/channels/${channel.id}/check`);
      const events = await service.db('events').where({ type: 'channel.status_changed' }).select('data');
      t.equal(events.filter(({ data }) => data.id === channel.id).length, 1);
      const webhook =
        channel.type === 'official' ? channel.webhook : { ...channel.webhook, verify_token: '', headers: {} };
      t.same(events.find(({ data }) => data.id === channel.id)?.data, { ...channel, webhook });
    }
  });
  t.test('brings back a channel that was disconnected', async (t) => {
    const { body: channel } = await company.post('/v1/channels', gateway());
    const where = { id: channel.id };
    await service.db('channels').where(where).update({ status: 'disconnected', status_detail: 'the phone is off' });
    const { body } = await company.post(`/v1/channels/${channel.id}/check`);
    t.match(body, { status: 'connected', status_detail: null });
  });
  t.test('a gateway without a connection is disconnected', async (t) => {
    const { body } = await check(gateway({ credentials: { ...demo_values.evolution, instance: 'closed1' } }));
    t.equal(body.status, 'disconnected');
  });
  t.test("another account's channel: 404", async (t) => {
    const other = await service.createCompany();
    t.match(await company.post(`/v1/channels/${other.official_id}/check`), {
      status: 404,
      body: { code: 'channel_not_found' },
    });
  });
});
