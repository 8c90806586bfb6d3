import t from 'tap';
import { createCorrelator } from '../../../src/features/messages/correlator.ts';
import { createInbound } from '../../support/inbound.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const { write, report, expanded } = createInbound(service, company);
const get = async (url: string): Promise<Body> => (await company.get(url)).body;

/** A start that failed at once, in a team that is deleted since. */
async function failedInGoneTeam(phone: string): Promise<Body> {
  const { body: team } = await company.post('/v1/teams', { name: `Equipe ${phone}` });
  const { body } = await company.start({ contact: { phone }, team_id: team.id }, { prefer: 'wait=20' });
  t.match(body, { status: 'failed' });
  t.match(await company.call('DELETE', `/v1/teams/${team.id}`), { status: 204 });
  return body;
}

t.test('who writes to a failed attendance of a deleted team opens a new one, in the default team', async (t) => {
  const failed = await failedInGoneTeam('31988830404');
  t.match(await write('5531988830404', { text: 'Oi' }), { status: 200 });
  await expanded();
  const { data } = await get(`/v1/attendances?contact_id=${failed.contact.id}`);
  t.match(data, [
    { status: 'open', origin: 'receptive', team: { id: company.team_id } },
    { id: failed.id, status: 'failed' },
  ]);
  t.same(await service.db('inbound_items').select('reason'), [], 'nothing is kept aside');
});

t.test('a fact that would bring such an attendance back is kept, and it stays as it is', async (t) => {
  const failed = await failedInGoneTeam('31988840404');
  const { id } = failed.first_message;
  const provider_message_id = 'wamid.GONE-TEAM';
  await service.db('messages').where({ id }).update({ provider_message_id });
  await report({ id: provider_message_id, status: 'delivered', recipient_id: '5531988840404' });
  await expanded();
  t.match(await get(`/v1/messages/${id}`), { status: 'delivered' });
  t.match(await get(`/v1/attendances/${failed.id}`), { status: 'failed' });
  t.same(await service.db('inbound_items').select('reason'), []);
});

t.test('so is one of a person who was erased since', async (t) => {
  const { body } = await company.start({ contact: { phone: '31988850404' } }, { prefer: 'wait=20' });
  const { id } = body.first_message;
  t.match(await company.call('DELETE', `/v1/contacts/${body.contact.id}`), { status: 204 });
  const vault = (await service.vaults.openAll(service.ctx, [company.account_id])).get(company.account_id);
  if (!vault) throw new Error('the vault does not open');
  const correlator = { biz_opaque_callback_data: createCorrelator(vault, id, 1) };
  await report({ id: 'wamid.ERASED', status: 'delivered', recipient_id: '5531988850404', ...correlator });
  await expanded();
  const [row] = await eventually(
    () => service.db('messages').where({ id }),
    ([one]) => one?.delivered_at !== null,
  );
  t.match(row, { status: 'delivered', recipient: null });
  t.match(await service.db('attendances').where({ id: body.id }), [{ status: 'failed' }]);
  t.same(await service.db('inbound_items').select('reason'), []);
});
