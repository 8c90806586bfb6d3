import t from 'tap';
import { v7 as uuid } from 'uuid';
import type { Scope } from '../../../src/context.ts';
import { createTeam } from '../../../src/features/teams/create-team.ts';
import { addChannel } from '../../support/add-channel.ts';
import { assertRefused } from '../../support/refusal.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const remove = (id: string) => company.call('DELETE', `/v1/teams/${id}`);
const add = async (body: Body = {}): Promise<string> =>
  (await company.post('/v1/teams', { name: `Equipe ${uuid()}`, ...body })).body.id;
const rowOf = (id: string) => service.db('teams').where({ id }).first();
let number = 0;
/** An attendance of the team, open at once; closed as whoever closes one would. */
async function attend(team_id: string): Promise<string> {
  number += 1;
  const contact = { phone: `3198888${2000 + number}` };
  const { status, body, text } = await company.start({ contact, team_id, channel_id: company.unofficial_id });
  if (status !== 201) throw new Error(text);
  return body.id;
}
const close = (id: string) =>
  service.db('attendances').where({ id }).update({ status: 'closed', closed_at: new Date() });

t.test('DELETE /v1/teams/{team_id}', async (t) => {
  t.test('204: a team without a history is gone', async (t) => {
    const id = await add({ channels: { scope: 'selected', channel_ids: [company.official_id] } });
    const reply = await remove(id);
    t.same([reply.status, reply.text], [204, '']);
    t.equal(await rowOf(id), undefined);
    t.equal((await company.get(`/v1/teams/${id}`)).status, 404);
  });

  t.test('one with a history is archived: shown nowhere but in its attendances, its name free', async (t) => {
    const name = 'Cobrança';
    const id = await add({ name });
    const attendance_id = await attend(id);
    await close(attendance_id);
    t.equal((await remove(id)).status, 204);
    t.ok((await rowOf(id))?.archived_at);
    t.equal((await company.get(`/v1/teams/${id}`)).status, 404);
    t.equal((await company.call('PATCH', `/v1/teams/${id}`, { name: 'x' })).status, 404);
    t.equal((await remove(id)).status, 404);
    const { body: list } = await company.get('/v1/teams?limit=100');
    t.notOk(list.data.some((team: Body) => team.id === id));
    t.same((await company.get(`/v1/attendances/${attendance_id}`)).body.team, { id, name });
    t.equal((await company.get(`/v1/attendances?team_id=${id}`)).body.data.length, 1);
    t.match(await company.start({ contact: { phone: '31988881999' }, team_id: id }), {
      status: 404,
      body: { code: 'team_not_found', errors: [{ pointer: '/team_id' }] },
    });
    const channel = {
      name: 'x',
      provider: 'evolution',
      base_url: `${service.simulator.url}/evolution`,
      default_team_id: id,
    };
    t.match(await company.post('/v1/channels', { ...channel, credentials: { api_key: 'k', instance: 'i' } }), {
      status: 404,
      body: { code: 'team_not_found', errors: [{ pointer: '/default_team_id' }] },
    });
    t.not(await add({ name }), id, 'another has its name');
  });

  t.test('409 team_in_use while attendances are open, which it counts; nothing is changed', async (t) => {
    const id = await add();
    await attend(id);
    await attend(id);
    const before = await rowOf(id);
    const { body } = await assertRefused(t, service, () => remove(id), {
      status: 409,
      code: 'team_in_use',
      pointer: ':team_id',
    });
    t.match(body, { attendances: 2, channel_ids: [] });
    t.same(await rowOf(id), before);
  });

  t.test('409 team_in_use while it is the default team of channels, which it names', async (t) => {
    const id = await add();
    const channel_id = await addChannel(company, service.simulator.url);
    await company.call('PATCH', `/v1/channels/${channel_id}`, { default_team_id: id });
    const { body } = await assertRefused(t, service, () => remove(id), {
      status: 409,
      code: 'team_in_use',
      pointer: ':team_id',
    });
    t.match(body, { attendances: 0, channel_ids: [channel_id] });
    await company.call('PATCH', `/v1/channels/${channel_id}`, { default_team_id: null });
    t.equal((await remove(id)).status, 204);
  });

  t.test('the default one goes last: 409 team_is_default while there are others', async (t) => {
    const client = await service.createClient();
    const make = async (name: string) => (await client.post('/v1/teams', { name })).body.id;
    const [first, second] = [await make('Primeira'), await make('Segunda')];
    await assertRefused(t, service, () => client.call('DELETE', `/v1/teams/${first}`), {
      status: 409,
      code: 'team_is_default',
      pointer: ':team_id',
    });
    t.equal((await client.call('DELETE', `/v1/teams/${second}`)).status, 204);
    t.equal((await client.call('DELETE', `/v1/teams/${first}`)).status, 204);
    t.ok((await client.post('/v1/teams', { name: 'Terceira' })).body.is_default, 'the next one is first again');
  });

  t.test("a missing id and another account's answer the same 404", async (t) => {
    const other = await service.createCompany();
    for (const id of [uuid(), other.team_id])
      await assertRefused(t, service, () => remove(id), { status: 404, code: 'team_not_found', pointer: ':team_id' });
  });

  t.test('starts and a deletion at once, many times: never an open attendance of a team that is gone', async (t) => {
    for (let round = 0; round < 15; round += 1) {
      const team_id = await add();
      if (round % 2 === 0) await close(await attend(team_id));
      const contact = (n: number) => ({ phone: `319${80_000_000 + round * 10 + n}` });
      const begin = (n: number) => company.start({ contact: contact(n), team_id, channel_id: company.unofficial_id });
      const [removed, ...started] = await Promise.all([remove(team_id), begin(0), begin(1), begin(2)]);
      const statuses = started.map(({ status }) => status);
      const row = await rowOf(team_id);
      const live = await service.db('attendances').where({ team_id, is_live: true }).select('id');
      if (removed?.status === 204) {
        t.ok(!row || row.archived_at);
        t.same([live.length, new Set(statuses)], [0, new Set([404])], 'all that came too late were told so');
      } else {
        t.match(removed, { status: 409, body: { code: 'team_in_use' } });
        t.equal(live.length, statuses.filter((status) => status === 201).length);
        t.ok(row && !row.archived_at);
      }
    }
  });
});

t.test('a team that is made while the last one is deleted: one of them is the default', async (t) => {
  const client = await service.createClient();
  const { body: first } = await client.post('/v1/teams', { name: 'Comercial' });
  const making = await service.db.transaction();
  const scope = { ...service.ctx, db: making, account_id: client.account_id } as unknown as Scope;
  await createTeam(scope, { name: 'Suporte' });
  const deleted = client.call('DELETE', `/v1/teams/${first.id}`);
  await eventually(
    () =>
      service.db.raw<{ rows: unknown[] }>(
        `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      ),
    ({ rows }) => rows.length > 0,
  );
  await making.commit();
  t.match(await deleted, { status: 409, body: { code: 'team_is_default' } });
  const { body } = await client.get('/v1/teams');
  t.equal(body.data.filter((team: Body) => team.is_default).length, 1);
});
