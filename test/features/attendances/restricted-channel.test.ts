import t from 'tap';
import { type Body, eventually, startService } from '../../support/service.ts';

t.test('while WhatsApp lets a gateway open no chats, nothing that waits opens one, and replies go out', async (t) => {
  const service = await startService(t, { with_lanes: false });
  const company = await service.createCompany();
  const channel_id = company.unofficial_id;
  const left = (id: string): Promise<Body> =>
    eventually(
      async () => (await company.get(`/v1/messages/${id}`)).body,
      ({ status }) => status !== 'queued' && status !== 'sending',
    );
  const waiting = await company.start({ contact: { phone: '31988881501' }, channel_id, text: 'Olá!' });
  const open = await company.start({ contact: { phone: '31988881502' }, channel_id });
  await service
    .db('attendances')
    .where({ id: open.body.id })
    .update({ window_expires_at: new Date(Date.now() + 3_600_000) });
  const silent = await company.start({ contact: { phone: '31988881503' }, channel_id });
  const cold = await company.post(`/v1/attendances/${silent.body.id}/messages`, { text: 'Olá!' });
  const reply = await company.post(`/v1/attendances/${open.body.id}/messages`, { text: 'Posso ajudar?' });
  await service.db('channels').where({ id: channel_id }).update({ status: 'restricted' });
  service.startLanes();

  t.match(await left(waiting.body.first_message.id), {
    status: 'failed',
    error: { code: 'channel_restricted_for_new_chats', provider: null },
  });
  t.same(await service.received('?to=5531988881501'), [], 'it was not tried');
  t.match((await company.get(`/v1/attendances/${waiting.body.id}`)).body, { status: 'failed' });
  t.match(
    await left(cold.body.id),
    { status: 'failed', error: { code: 'channel_restricted_for_new_chats' } },
    'a text into an attendance that opened without one opens a chat, too',
  );
  t.same(await service.received('?to=5531988881503'), []);
  t.match(await left(reply.body.id), { status: 'accepted' });
  t.equal((await service.received('?to=5531988881502')).length, 1);

  t.match(await company.post(`/v1/channels/${channel_id}/check`), { body: { status: 'connected' } });
  const again = await company.post(`/v1/attendances/${waiting.body.id}/retry`, undefined, { prefer: 'wait=20' });
  t.match(again, { status: 200, body: { status: 'open', first_message: { status: 'accepted' } } });
});
