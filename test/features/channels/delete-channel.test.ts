import t from 'tap';
import { v7 as uuid } from 'uuid';
import { addChannel } from '../../support/add-channel.ts';
import { assertRefused } from '../../support/refusal.ts';
import { type Body, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const remove = (id: string) => company.call('DELETE', `/v1/channels/${id}`);
const add = (provider: 'whatsapp_cloud' | 'evolution' = 'evolution') =>
  addChannel(company, service.simulator.url, { provider });
const rowOf = (id: string) => service.db('channels').where({ id }).first();
let number = 0;
async function attend(channel_id: string, over: Body = {}): Promise<Body> {
  number += 1;
  const { status, body, text } = await company.start({
    contact: { phone: `3198888${3000 + number}` },
    channel_id,
    ...over,
  });
  if (status !== 201) throw new Error(text);
  return body;
}
const close = (id: string) =>
  service.db('attendances').where({ id }).update({ status: 'closed', closed_at: new Date() });
const setState = (attendance_id: string, change: Body) =>
  service.db('messages').where({ attendance_id }).update(change);

t.test('DELETE /v1/channels/{channel_id}', async (t) => {
  t.test('204: a channel without a history is gone, with its sender and its templates', async (t) => {
    const id = await add('whatsapp_cloud');
    const { body: team } = await company.post('/v1/teams', {
      name: 'Só este',
      channels: { scope: 'selected', channel_ids: [id] },
    });
    const reply = await remove(id);
    t.same([reply.status, reply.text], [204, '']);
    t.equal(await rowOf(id), undefined);
    for (const table of ['senders', 'templates', 'team_channels'])
      t.same(await service.db(table).where({ channel_id: id }), [], table);
    t.same((await company.get(`/v1/teams/${team.id}`)).body.channels, { scope: 'selected', channel_ids: [] });
  });

  t.test('one with a history is archived: no credentials, no templates, shown in its attendances alone', async (t) => {
    const id = await add('whatsapp_cloud');
    const { name } = (await company.get(`/v1/channels/${id}`)).body;
    const { body: team } = await company.post('/v1/teams', {
      name: 'Também',
      channels: { scope: 'selected', channel_ids: [id] },
    });
    const template = { name: 'boas_vindas', language: 'pt_BR' };
    const attendance = await attend(id, { template });
    await setState(attendance.id, { state: 'cancelled' });
    await close(attendance.id);
    t.equal((await remove(id)).status, 204);
    const row = await rowOf(id);
    t.ok(row?.archived_at);
    t.equal(row?.credentials.length, 0);
    t.same(await service.db('templates').where({ channel_id: id }), []);
    t.same((await company.get(`/v1/teams/${team.id}`)).body.channels, { scope: 'selected', channel_ids: [] });
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', { name: 'x' }],
      ['DELETE', ''],
      ['POST', '/check'],
      ['POST', '/templates/sync'],
    ] as ['GET', string, Body?][])
      t.match(
        await company.call(method, `/v1/channels/${id}${path}`, body),
        { status: 404, body: { code: 'channel_not_found' } },
        `${method} ${path}`,
      );
    const { body: list } = await company.get('/v1/channels?limit=100');
    t.notOk(list.data.some((channel: Body) => channel.id === id));
    const { body: shown } = await company.get(`/v1/attendances/${attendance.id}`);
    t.match(shown, { channel: { id, name, type: 'official' }, first_message: { text: attendance.first_message.text } });
    t.equal((await company.get(`/v1/attendances?channel_id=${id}`)).body.data.length, 1);
    t.match(await company.start({ contact: { phone: '31988883999' }, channel_id: id, template }), {
      status: 404,
      body: { code: 'channel_not_found', errors: [{ pointer: '/channel_id' }] },
    });
    const channels = { scope: 'selected', channel_ids: [id] };
    t.match(await company.post('/v1/teams', { name: 'y', channels }), {
      status: 404,
      body: { code: 'channel_not_found' },
    });
    t.match(await company.call('PATCH', `/v1/teams/${team.id}`, { channels }), {
      status: 404,
      body: { code: 'channel_not_found' },
    });
    const other = await add();
    t.equal((await company.call('PATCH', `/v1/channels/${other}`, { name })).status, 200, 'another has its name');
  });

  t.test('a start may leave the channel out when the others are archived', async (t) => {
    const client = await service.createCompany();
    const contact = { phone: '31988883998' };
    const { body } = await client.start({ contact, channel_id: client.unofficial_id });
    await close(body.id);
    const start = { contact, team_id: client.team_id, template: { name: 'boas_vindas', language: 'pt_BR' } };
    t.match(await client.post('/v1/attendances', start), { status: 422, body: { code: 'channel_required' } });
    await client.call('DELETE', `/v1/channels/${client.unofficial_id}`);
    t.match(await client.post('/v1/attendances', start), {
      status: 201,
      body: { channel: { id: client.official_id } },
    });
  });

  t.test('409 channel_in_use while attendances are open, which it counts; nothing is changed', async (t) => {
    const id = await add();
    await attend(id);
    await attend(id, { text: 'Olá!' });
    const before = await rowOf(id);
    const { body } = await assertRefused(t, service, () => remove(id), {
      status: 409,
      code: 'channel_in_use',
      pointer: ':channel_id',
    });
    t.match(body, { attendances: 2, messages: 1 });
    t.same(await rowOf(id), before);
  });

  t.test('409 channel_in_use while messages are not settled, whatever their attendances are', async (t) => {
    const id = await add();
    const lease = { fence: 1, lease_until: new Date(Date.now() + 60_000) };
    const doubt = { unknown_at: new Date(), run_at: new Date() };
    for (const state of [{ state: 'queued' }, { state: 'sending', ...lease }, { state: 'unknown', ...doubt }]) {
      const attendance = await attend(id, { text: 'Olá!' });
      await setState(attendance.id, state);
      await close(attendance.id);
    }
    const { body } = await assertRefused(t, service, () => remove(id), {
      status: 409,
      code: 'channel_in_use',
      pointer: ':channel_id',
    });
    t.match(body, { attendances: 0, messages: 3 });
    await service.db('messages').where({ channel_id: id }).update({ state: 'cancelled' });
    t.equal((await remove(id)).status, 204);
  });

  t.test("a missing id and another account's answer the same 404", async (t) => {
    const other = await service.createCompany();
    for (const id of [uuid(), other.official_id])
      await assertRefused(t, service, () => remove(id), {
        status: 404,
        code: 'channel_not_found',
        pointer: ':channel_id',
      });
  });

  t.test(
    'starts and a deletion at once, many times: never an open attendance over a channel that is gone',
    async (t) => {
      for (let round = 0; round < 15; round += 1) {
        const channel_id = await add();
        if (round % 2 === 0) await close((await attend(channel_id)).id);
        const begin = (n: number) =>
          company.start({ contact: { phone: `319${81_000_000 + round * 10 + n}` }, channel_id });
        const [removed, ...started] = await Promise.all([remove(channel_id), begin(0), begin(1), begin(2)]);
        const statuses = started.map(({ status }) => status);
        const row = await rowOf(channel_id);
        const live = await service.db('attendances').where({ channel_id, is_live: true }).select('id');
        if (removed?.status === 204) {
          t.ok(!row || row.archived_at);
          t.same([live.length, new Set(statuses)], [0, new Set([404])], 'all that came too late were told so');
        } else {
          t.match(removed, { status: 409, body: { code: 'channel_in_use' } });
          t.equal(live.length, statuses.filter((status) => status === 201).length);
          t.ok(row && !row.archived_at);
        }
      }
    },
  );
});
