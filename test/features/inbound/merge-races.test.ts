import t from 'tap';
import { v7 as uuid } from 'uuid';
import { inTransaction } from '../../../src/context.ts';
import { insertPeople } from '../../../src/features/contacts/people.repository.ts';
import { mergeContacts } from '../../../src/features/inbound/merge-contacts.ts';
import { createInbound } from '../../support/inbound.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const { write, report, expanded } = createInbound(service, company);
const { db } = service;
const get = async (url: string): Promise<Body> => (await company.get(url)).body;
const scope = { ...service.ctx, account_id: company.account_id } as Parameters<typeof mergeContacts>[0];
const contact = async (phone: string): Promise<string> =>
  (await company.post('/v1/contacts', { phone, name: 'Ana' })).body.id;
const isWaiting = () =>
  eventually(
    () =>
      db.raw<{ rows: unknown[] }>(
        `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      ),
    ({ rows }) => rows.length > 0,
  );

t.test('a report that proves two contacts to be one, of the newer attendance, is kept and merges them', async (t) => {
  await write(null, { user_id: 'BR.MERGE1', text: 'Oi' });
  await expanded();
  const [older] = (await get('/v1/attendances?origin=receptive&limit=1')).data;
  const started = await company.start({ contact: { phone: '31988881201' } }, { prefer: 'wait=20' });
  const { id, first_message } = started.body;
  const { provider_message_id } = await get(`/v1/messages/${first_message.id}`);
  await report({
    ...{ id: provider_message_id, status: 'delivered' },
    ...{ recipient_id: '5531988881201', recipient_user_id: 'BR.MERGE1' },
  });
  await expanded();
  t.match(await get(`/v1/messages/${first_message.id}`), { status: 'delivered' });
  t.match(await get(`/v1/attendances/${id}`), { status: 'closed', close_reason: 'merged' });
  t.match(await get(`/v1/attendances/${older.id}`), { status: 'open', contact: { phone: '+5531988881201' } });
  t.same(await db('inbound_items').select('reason'), [], 'nothing is kept aside');
});

t.test('an erasure that meets a merge erases the person and not the empty shell', async (t) => {
  for (const has_attendance of [true, false]) {
    const [into, from] = [
      await contact(`3198888130${Number(has_attendance)}`),
      await contact(`3198888131${Number(has_attendance)}`),
    ];
    if (has_attendance) await company.start({ contact: { id: from } }, { prefer: 'wait=20' });
    const merging = await db.transaction();
    await mergeContacts({ ...scope, db: merging }, into, from);
    const erased = company.call('DELETE', `/v1/contacts/${from}`);
    await isWaiting();
    await merging.commit();
    t.match(await erased, { status: 204 });
    t.match(await company.get(`/v1/contacts/${into}`), { status: 404 }, 'the survivor is erased');
    t.same(await db('contacts').where({ id: into }).first('name', 'phone'), { name: null, phone: null });
  }
});

t.test('two merges of the same two contacts are told once', async (t) => {
  const [into, from] = [await contact('31988881401'), await contact('31988881402')];
  const merge = () => inTransaction(scope, (trx) => mergeContacts(trx, into, from));
  await Promise.all([merge(), merge()]);
  await merge();
  const told = await db('events').where({ type: 'contact.merged', contact_id: into });
  t.equal(told.length, 1);
});

t.test('a person without a number who writes over two channels at once is one contact', async (t) => {
  const id = (contact_id: string) => ({
    contact_id,
    kind: 'bsuid',
    scope: 'of the test',
    value: 'BR.TWICE',
    at: new Date(),
  });
  const insert = (contact_id: string) =>
    inTransaction(scope, async (trx) => {
      const person = {
        id: contact_id,
        profile_name: 'Zé',
        phone: null,
        phone_key: null,
        phone_digits: '',
        created_at: new Date(),
      };
      await insertPeople(trx, [person], [id(contact_id)], 'whatsapp_cloud');
    });
  const results = await Promise.allSettled([insert(uuid()), insert(uuid())]);
  t.same(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'], 'the second one looks again');
  t.equal((await db('contacts').where({ profile_name: 'Zé' })).length, 1);
});
