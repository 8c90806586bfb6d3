import t from 'tap';
import { v7 as uuid } from 'uuid';
import { assertRefused } from '../../support/refusal.ts';
import { type Body, startService, untilServed } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();

t.test('POST /v1/teams', async (t) => {
  t.test('201 with the team, where it is, and what a GET shows', async (t) => {
    const { status, headers, body } = await company.post('/v1/teams', { name: 'Financeiro' });
    t.equal(status, 201);
    t.equal(headers.location, `/v1/teams/${body.id}`);
    const { id, created_at, updated_at, ...members } = body;
    t.same(members, { name: 'Financeiro', is_default: false, channels: { scope: 'all', channel_ids: [] } });
    t.equal(created_at, updated_at);
    t.same((await company.get(`/v1/teams/${id}`)).body, body);
  });

  t.test('on selected channels', async (t) => {
    const channels = { scope: 'selected', channel_ids: [company.official_id, company.unofficial_id].toSorted() };
    const { body } = await company.post('/v1/teams', { name: 'Ambos', channels });
    t.same(body.channels, channels);
    t.same((await company.get(`/v1/teams/${body.id}`)).body.channels, channels);
  });
  t.test('on one channel that is named twice, once in capitals', async (t) => {
    const channel_ids = [company.official_id, company.official_id.toUpperCase()];
    const { status, body } = await company.post('/v1/teams', {
      name: 'Duas vezes',
      channels: { scope: 'selected', channel_ids },
    });
    t.equal(status, 201);
    t.same(body.channels.channel_ids, [company.official_id]);
  });

  t.test('on none', async (t) => {
    const { body } = await company.post('/v1/teams', { name: 'Nenhum', channels: { scope: 'none' } });
    t.same(body.channels, { scope: 'none', channel_ids: [] });
  });

  const refusals: [string, Body, number, string, string][] = [
    ['a name that a team has', { name: 'Comercial' }, 409, 'team_exists', '/name'],
    [
      'selected channels without any',
      { name: 'x', channels: { scope: 'selected' } },
      422,
      'team_channels_contradict',
      '/channels',
    ],
    [
      'channels beside scope all',
      { name: 'x', channels: { scope: 'all', channel_ids: [company.official_id] } },
      422,
      'team_channels_contradict',
      '/channels',
    ],
    [
      'channels beside scope none',
      { name: 'x', channels: { scope: 'none', channel_ids: [company.official_id] } },
      422,
      'team_channels_contradict',
      '/channels',
    ],
    [
      'a channel that does not exist',
      { name: 'x', channels: { scope: 'selected', channel_ids: [uuid()] } },
      404,
      'channel_not_found',
      '/channels/channel_ids',
    ],
  ];
  for (const [title, body, status, code, pointer] of refusals) {
    t.test(`refuses ${title}: ${status} ${code}, and nothing is saved`, async (t) => {
      await assertRefused(t, service, () => company.post('/v1/teams', body), { status, code, pointer });
    });
  }
  t.test("refuses another account's channel as one that does not exist", async (t) => {
    const other = await service.createCompany();
    const channels = { scope: 'selected', channel_ids: [other.official_id] };
    await assertRefused(t, service, () => company.post('/v1/teams', { name: 'x', channels }), {
      status: 404,
      code: 'channel_not_found',
      pointer: '/channels/channel_ids',
    });
  });
  t.test('refuses what does not fit', async (t) => {
    for (const [body, pointer] of [
      [{}, '/name'],
      [{ name: '' }, '/name'],
      [{ name: 'x'.repeat(201) }, '/name'],
      [{ name: 'x', is_default: 'yes' }, '/is_default'],
      [{ name: 'x', channels: {} }, '/channels/scope'],
      [{ name: 'x', channels: { scope: 'some' } }, '/channels/scope'],
      [{ name: 'x', channels: { scope: 'selected', channel_ids: ['42'] } }, '/channels/channel_ids/0'],
    ] as [Body, string][]) {
      const reply = await company.post('/v1/teams', body);
      t.match(reply, { status: 400, body: { errors: [{ pointer }] } }, JSON.stringify(body).slice(0, 60));
    }
    const channel_ids = [company.official_id, company.official_id];
    const twice = await company.post('/v1/teams', { name: 'x', channels: { scope: 'selected', channel_ids } });
    t.equal(twice.status, 400, 'one channel named twice');
    t.match(twice.body.errors, [{ pointer: '/channels/channel_ids', code: 'not_unique' }]);
  });
});

t.test('the default team', async (t) => {
  const client = await service.createClient();
  const add = async (body: Body) => (await client.post('/v1/teams', body)).body;
  const defaults = async () =>
    (await client.get('/v1/teams')).body.data.filter((team: Body) => team.is_default).map(({ id }: Body) => id);

  t.test('is the first one', async (t) => {
    const first = await add({ name: 'Primeira', is_default: false });
    t.ok(first.is_default);
    const second = await add({ name: 'Segunda' });
    t.notOk(second.is_default);
    t.same(await defaults(), [first.id]);
  });
  t.test('is the one that says so, from then on', async (t) => {
    const third = await add({ name: 'Terceira', is_default: true });
    t.same(await defaults(), [third.id]);
  });
  t.test('is one, when ten first teams are made at once', async (t) => {
    const fresh = await service.createClient();
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, n) => untilServed(() => fresh.post('/v1/teams', { name: `Equipe ${n}` }))),
    );
    t.same(new Set(replies.map(({ status }) => status)), new Set([201]));
    const { body } = await fresh.get('/v1/teams');
    t.equal(body.data.filter((team: Body) => team.is_default).length, 1);
    t.equal(replies.filter((reply) => reply.body.is_default).length, 1, 'and each was told the truth');
  });
});

t.test("GET /v1/teams/{team_id}: a missing id and another account's answer the same 404", async (t) => {
  const other = await service.createCompany();
  const answers = [];
  for (const id of [uuid(), other.team_id]) {
    const { status, body } = await company.get(`/v1/teams/${id}`);
    t.equal(status, 404);
    t.match(body, { code: 'team_not_found', errors: [{ pointer: ':team_id' }] });
    answers.push(JSON.stringify({ ...body, request_id: null }).replaceAll(id, 'id'));
  }
  t.equal(answers[0], answers[1]);
});

t.test('GET /v1/teams shows the account’s own, newest first', async (t) => {
  const other = await service.createCompany();
  const { body } = await other.get('/v1/teams');
  t.same(
    body.data.map(({ name }: Body) => name),
    ['Suporte', 'Comercial'],
  );
});
