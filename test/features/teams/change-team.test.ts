import t from 'tap';
import { v7 as uuid } from 'uuid';
import { assertRefused, type Refused } from '../../support/refusal.ts';
import { type Body, startService, untilServed } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const patch = (id: string, body: Body) => company.call('PATCH', `/v1/teams/${id}`, body);
const add = async (body: Body = {}): Promise<Body> =>
  (await company.post('/v1/teams', { name: `Equipe ${uuid()}`, ...body })).body;

t.test('PATCH /v1/teams/{team_id}', async (t) => {
  t.test('changes what is given and leaves what is absent', async (t) => {
    const before = await add({ channels: { scope: 'selected', channel_ids: [company.official_id] } });
    const { status, body } = await patch(before.id, { name: 'Pós-venda' });
    t.equal(status, 200);
    t.same({ ...body, updated_at: null }, { ...before, name: 'Pós-venda', updated_at: null });
    t.ok(body.updated_at > before.updated_at);
    t.same((await company.get(`/v1/teams/${before.id}`)).body, body);
  });

  t.test('puts channels in the place of those that were', async (t) => {
    const { id } = await add({ channels: { scope: 'selected', channel_ids: [company.official_id] } });
    const selected = { scope: 'selected', channel_ids: [company.unofficial_id] };
    t.same((await patch(id, { channels: selected })).body.channels, selected);
    t.same((await patch(id, { channels: { scope: 'none' } })).body.channels, { scope: 'none', channel_ids: [] });
    t.same((await company.get(`/v1/teams/${id}`)).body.channels, { scope: 'none', channel_ids: [] });
  });

  t.test('that changes nothing writes nothing', async (t) => {
    const before = await add({
      channels: { scope: 'selected', channel_ids: [company.official_id, company.unofficial_id] },
    });
    const { name, is_default, channels } = before;
    const reversed = { ...channels, channel_ids: channels.channel_ids.toReversed() };
    t.same((await patch(before.id, { name, is_default, channels: reversed })).body, before);
  });

  t.test('true takes the default mark from the team that has it, false is refused there', async (t) => {
    const client = await service.createClient();
    const change = (id: string, body: Body) => client.call('PATCH', `/v1/teams/${id}`, body);
    const [first, second] = [
      (await client.post('/v1/teams', { name: 'Primeira' })).body,
      (await client.post('/v1/teams', { name: 'Segunda' })).body,
    ];
    t.ok((await change(second.id, { is_default: true })).body.is_default);
    t.notOk((await client.get(`/v1/teams/${first.id}`)).body.is_default);
    await assertRefused(t, service, () => change(second.id, { name: 'x', is_default: false }), {
      status: 422,
      code: 'default_team_required',
      pointer: '/is_default',
    });
    t.equal((await client.get(`/v1/teams/${second.id}`)).body.name, 'Segunda');
    t.notOk((await change(first.id, { is_default: false })).body.is_default);
  });

  t.test('ten that take the mark at once: one has it', async (t) => {
    const teams = await Promise.all(Array.from({ length: 10 }, () => add()));
    const replies = await Promise.all(teams.map(({ id }) => untilServed(() => patch(id, { is_default: true }))));
    t.same(new Set(replies.map(({ status }) => status)), new Set([200]));
    const { body } = await company.get('/v1/teams?limit=100');
    t.equal(body.data.filter((team: Body) => team.is_default).length, 1);
  });

  const refusals: [string, Body, Refused][] = [
    ['a name that a team has', { name: 'Comercial' }, { status: 409, code: 'team_exists', pointer: '/name' }],
    [
      'selected channels without any',
      { name: 'y', channels: { scope: 'selected' } },
      { status: 422, code: 'team_channels_contradict', pointer: '/channels' },
    ],
    [
      'a channel that does not exist',
      { name: 'y', channels: { scope: 'selected', channel_ids: [uuid()] } },
      { status: 404, code: 'channel_not_found', pointer: '/channels/channel_ids' },
    ],
  ];
  for (const [title, body, refused] of refusals)
    t.test(`refuses ${title}: ${refused.status} ${refused.code}, and nothing is saved`, async (t) => {
      const before = await add();
      await assertRefused(t, service, () => patch(before.id, body), refused);
      t.same((await company.get(`/v1/teams/${before.id}`)).body, before);
    });

  t.test('refuses what does not fit', async (t) => {
    for (const [body, pointer] of [
      [{}, ''],
      [{ name: null }, '/name'],
      [{ channels: { scope: 'some' } }, '/channels/scope'],
      [{ colour: 'red' }, '/colour'],
    ] as [Body, string][])
      t.match(await patch(company.team_id, body), { status: 400, body: { errors: [{ pointer }] } });
  });

  t.test("a missing id and another account's answer the same 404", async (t) => {
    const other = await service.createCompany();
    for (const id of [uuid(), other.team_id])
      await assertRefused(t, service, () => patch(id, { name: 'x' }), {
        status: 404,
        code: 'team_not_found',
        pointer: ':team_id',
      });
  });
});
