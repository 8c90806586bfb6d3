import t from 'tap';
import { v7 as uuid } from 'uuid';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { addChannel } from '../../support/add-channel.ts';
import { findTraces } from '../../support/dump.ts';
import { assertRefused, type Refused } from '../../support/refusal.ts';
import { answerJson, startScriptedServer } from '../../support/scripted-server.ts';
import { type Body, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const add = () => addChannel(company, service.simulator.url);
const get = async (id: string): Promise<Body> => (await company.get(`/v1/channels/${id}`)).body;
const patch = (id: string, body: Body) => company.call('PATCH', `/v1/channels/${id}`, body);
const newsOf = async (id: string): Promise<Body[]> => {
  const rows = await service.db('events').where({ type: 'channel.status_changed' }).orderBy('id').select('data');
  return rows.map(({ data }) => data).filter((data) => data.id === id);
};

t.test('PATCH /v1/channels/{channel_id}', async (t) => {
  t.test('changes what is given and leaves what is absent', async (t) => {
    const id = await add();
    const before = await get(id);
    const change = {
      name: 'Suporte 2',
      phone: '+5531988880077',
      default_team_id: company.team_id,
      send_within_s: 60,
      on_unknown: 'fail',
      max_per_second: 7,
      stuck_after_s: 5,
      reopen_within_s: 86_400,
    };
    const { status, body } = await patch(id, { ...change, phone: '(31) 8888-0077' });
    t.equal(status, 200);
    t.same({ ...body, updated_at: null }, { ...before, ...change, updated_at: null });
    t.ok(body.updated_at > before.updated_at);
    t.same(await get(id), body);
    t.match(await service.db('senders').where({ channel_id: id }).first(), { max_per_second: 7 }, 'its sender follows');
  });

  t.test('null clears, and what changes nothing writes nothing', async (t) => {
    const id = await add();
    await patch(id, { phone: '(31) 98888-0078', default_team_id: company.team_id });
    const { body } = await patch(id, { phone: null, default_team_id: null });
    t.match(body, { phone: null, default_team_id: null });
    const { name, base_url, send_within_s, max_per_second } = body;
    t.same((await patch(id, { name, base_url, send_within_s, max_per_second, phone: null })).body, body);
  });

  t.test('new credentials make the status unknown, are used from then on, and never come out', async (t) => {
    const id = await add();
    await company.post(`/v1/channels/${id}/check`);
    t.equal((await get(id)).status, 'connected');
    const credentials = { api_key: 'a-new-key-of-the-tests', instance: 'closed1' };
    const { status, body, text } = await patch(id, { credentials });
    t.same([status, body.status, body.status_detail], [200, 'unknown', null]);
    t.notOk(text.includes('a-new-key'));
    t.same(await findTraces(service.db, ['a-new-key']), []);
    const { webhook } = body;
    const told = { ...body, webhook: { ...webhook, verify_token: '', headers: {} } };
    t.same((await newsOf(id)).at(-1), told, 'and it is told, without the token');
    t.equal((await company.post(`/v1/channels/${id}/check`)).body.status, 'disconnected', 'that instance is closed');
  });

  t.test('another address makes the status unknown', async (t) => {
    const id = await add();
    await company.post(`/v1/channels/${id}/check`);
    const credentials = demo_values.evolution;
    const { body } = await patch(id, { base_url: 'https://gateway.example/api//', credentials });
    t.match(body, { base_url: 'https://gateway.example/api', status: 'unknown' });
    await patch(id, { name: 'Outro nome' });
    t.equal((await newsOf(id)).length, 2, 'connected, then unknown, and no more');
  });

  t.test('another path at the same server needs no credentials, another server does: and is never asked', async (t) => {
    const gateway = await startScriptedServer();
    t.teardown(() => gateway.close());
    gateway.script(answerJson(200, { instance: { state: 'open' } }));
    const id = await addChannel(company, gateway.origin);
    const path = await patch(id, { base_url: `${gateway.origin}/v2/` });
    t.match(path, { status: 200, body: { base_url: `${gateway.origin}/v2` } });
    await company.post(`/v1/channels/${id}/check`);
    t.match(gateway.requests, [{ path: /^\/v2\// }]);

    const taker = await startScriptedServer();
    t.teardown(() => taker.close());
    taker.script(answerJson(200, { instance: { state: 'open' } }));
    const before = await get(id);
    const elsewhere = [
      taker.origin,
      `${gateway.origin.replace('127.0.0.1', 'localhost')}/v2`,
      `${gateway.origin.replace('http:', 'https:')}/v2`,
      'http://127.0.0.1:9/v2',
    ];
    for (const base_url of elsewhere) {
      const refused = { status: 422, code: 'credentials_required', pointer: '/credentials' };
      const reply = await assertRefused(t, service, () => patch(id, { base_url, name: 'Outro' }), refused);
      t.match(reply.body.errors[0].detail, gateway.origin);
      t.same(await get(id), before, base_url);
    }
    await company.post(`/v1/channels/${id}/check`);
    t.equal(taker.connections(), 0);

    const credentials = { api_key: 'another-key-of-the-tests', instance: 'tests' };
    t.equal((await patch(id, { base_url: taker.origin, credentials })).status, 200);
    await company.post(`/v1/channels/${id}/check`);
    t.match(taker.requests, [{ headers: { apikey: credentials.api_key } }], 'those that came with it, and no other');
  });

  const id = await add();
  const refusals: [string, Body, Refused][] = [
    ['a name that a channel has', { name: 'Gateway' }, { status: 409, code: 'channel_exists', pointer: '/name' }],
    [
      'a team that does not exist',
      { name: 'y', default_team_id: uuid() },
      { status: 404, code: 'team_not_found', pointer: '/default_team_id' },
    ],
    ['a phone that is none', { name: 'y', phone: 'x' }, { status: 422, code: 'phone_invalid', pointer: '/phone' }],
    [
      'a metadata address',
      { name: 'y', base_url: 'http://169.254.169.254/' },
      { status: 422, code: 'url_not_allowed', pointer: '/base_url' },
    ],
    [
      'resend_same_id where nobody chooses the message id',
      { name: 'y', on_unknown: 'resend_same_id' },
      { status: 422, code: 'on_unknown_not_supported', pointer: '/on_unknown' },
    ],
  ];
  for (const [title, body, refused] of refusals)
    t.test(`refuses ${title}: ${refused.status} ${refused.code}, and nothing is saved`, async (t) => {
      const before = await get(id);
      await assertRefused(t, service, () => patch(id, body), refused);
      t.same(await get(id), before);
    });

  const malformed: [string, Body, string][] = [
    ['nothing', {}, ''],
    ['another provider', { provider: 'whatsapp_cloud' }, '/provider'],
    ['a status', { status: 'connected' }, '/status'],
    ['a credential too few', { credentials: { instance: 'demo' } }, '/credentials/api_key'],
    ['a credential too many', { credentials: { ...demo_values.evolution, x: '1' } }, '/credentials/x'],
    ['credentials of another provider', { credentials: demo_values.graph }, '/credentials/api_key'],
    ['a credential that is no text', { credentials: { ...demo_values.evolution, api_key: 7 } }, '/credentials/api_key'],
    ['a pace of 0', { max_per_second: 0 }, '/max_per_second'],
  ];
  for (const [title, body, pointer] of malformed)
    t.test(`refuses ${title}: 400 at ${pointer || 'its root'}, and nothing is saved`, async (t) => {
      const before = await service.db('channels').where({ id }).first();
      const reply = await patch(id, body);
      t.match(reply, { status: 400, body: { code: 'validation_failed' } });
      t.ok(
        reply.body.errors.some((one: Body) => one.pointer === pointer),
        reply.text,
      );
      t.same(await service.db('channels').where({ id }).first(), before);
    });

  t.test("a missing id and another account's answer the same 404", async (t) => {
    const other = await service.createCompany();
    for (const id of [uuid(), other.official_id])
      await assertRefused(t, service, () => patch(id, { name: 'x' }), {
        status: 404,
        code: 'channel_not_found',
        pointer: ':channel_id',
      });
  });
});

t.test('POST /v1/channels refuses resend_same_id where nobody chooses the message id', async (t) => {
  const body = {
    name: 'Outro',
    provider: 'evolution',
    base_url: `${service.simulator.url}/evolution`,
    credentials: demo_values.evolution,
    on_unknown: 'resend_same_id',
  };
  await assertRefused(t, service, () => company.post('/v1/channels', body), {
    status: 422,
    code: 'on_unknown_not_supported',
    pointer: '/on_unknown',
  });
});
