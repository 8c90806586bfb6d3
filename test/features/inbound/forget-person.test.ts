import t from 'tap';
import { itemBinding } from '../../../src/features/inbound/sealed.ts';
import { createInbound } from '../../support/inbound.ts';
import { startService } from '../../support/service.ts';

t.test('an erasure drops all that waits of the person, however much waits, and nothing of others', async (t) => {
  const service = await startService(t, { with_lanes: false });
  const company = await service.createCompany();
  const { write } = createInbound(service, company);
  const { db } = service;
  const { body: contact } = await company.post('/v1/contacts', { phone: '31988881601', name: 'Ana' });
  for (let round = 0; round < 25; round += 1) {
    await write('553188881601', { text: `dela ${round}` });
    await write('553188881602', { text: `dele ${round}` });
  }
  // One of them was tried before, and two events of it are kept aside: the first for another.
  const [tried] = await db('inbound_bodies').orderBy('id').select('*');
  const { account_id } = company;
  const vault = (await service.vaults.openAll(service.ctx, [account_id])).get(account_id);
  if (!tried || !vault) throw new Error('nothing waits');
  const keepAside = (place: number, wa_id: string) =>
    db('inbound_items').insert({
      ...{ account_id, body_id: tried.id, place, channel_id: tried.channel_id, kind: 'message', reason: 'of the test' },
      event: vault.seal(Buffer.from(JSON.stringify({ wa_id })), itemBinding(tried.id, place)),
      ...{ run_at: db.fn.now(), received_at: db.fn.now() },
    } as never);
  await keepAside(0, '553188881602');
  await keepAside(1, '553188881601');

  t.match(await company.call('DELETE', `/v1/contacts/${contact.id}`), { status: 204 });
  t.equal((await db('inbound_bodies')).length, 25);
  t.match(await db('inbound_items').select('place'), [{ place: 0 }]);
});
