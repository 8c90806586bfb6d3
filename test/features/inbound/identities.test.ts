import t from 'tap';
import { createInbound, newId } from '../../support/inbound.ts';
import { type Body, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const { write, deliver, expanded, metadata } = createInbound(service, company);
const lookup = async (phone: string): Promise<Body> =>
  (await company.get(`/v1/contacts/lookup?phone=${encodeURIComponent(phone)}`)).body.contacts[0];
const newest = async (): Promise<Body> => (await company.get('/v1/attendances?origin=receptive&limit=1')).body.data[0];
const valuesOf = (contact: Body, kind: string) =>
  contact.identities.filter((one: Body) => one.kind === kind).map((one: Body) => one.value);
const seconds = () => Math.floor(Date.now() / 1_000);
const system = (from: Record<string, string>, told: Record<string, string>, at = seconds() + 1) =>
  deliver({ metadata, messages: [{ ...from, id: newId(), timestamp: String(at), type: 'system', system: told }] });
const eventsOf = async (type: string): Promise<Body[]> =>
  service.db('events').where({ account_id: company.account_id, type }).select('*');

t.test('a person who hides the number is a contact too, and is answered by the id', async (t) => {
  await write(null, { user_id: 'BR.1A2B3C', text: 'Oi', name: 'Zé' });
  await expanded();
  const attendance = await newest();
  t.match(attendance, { contact: { name: 'Zé', phone: null }, status: 'open' });
  const { body: contact } = await company.get(`/v1/contacts/${attendance.contact.id}`);
  t.same(valuesOf(contact, 'bsuid'), ['BR.1A2B3C']);
  const sent = await company.post(`/v1/attendances/${attendance.id}/messages`, { text: 'Olá!' }, { prefer: 'wait=20' });
  t.match(sent.body, { status: 'accepted' });
  const { body: listed } = await company.get('/v1/contacts?search=z%C3%A9');
  t.equal(listed.data.length, 1);

  t.test('when the number is told beside the id, it is the same contact', async (t) => {
    await write('553188880201', { user_id: 'BR.1A2B3C', name: 'Zé' });
    await expanded();
    const { body: after } = await company.get(`/v1/contacts/${contact.id}`);
    t.match(after, { id: contact.id, phone: '+5531988880201' });
    t.equal((await newest()).id, attendance.id);
  });

  t.test('a new id by a system message moves the person', async (t) => {
    await system(
      { from: '553188880201' },
      { type: 'user_changed_user_id', previous_user_id: 'BR.1A2B3C', user_id: 'BR.9Z8Y7X' },
    );
    await write(null, { user_id: 'BR.9Z8Y7X', text: 'Ainda eu' });
    await expanded();
    t.equal((await newest()).id, attendance.id);
    const { body: after } = await company.get(`/v1/contacts/${contact.id}`);
    t.same(valuesOf(after, 'bsuid'), ['BR.9Z8Y7X']);
  });
});

t.test('both forms of the ninth digit are one contact, whoever writes first', async (t) => {
  await write('5531988880202');
  await write('553188880202');
  await expanded();
  const contact = await lookup('(31) 98888-0202');
  t.same(valuesOf(contact, 'wa_id').sort(), ['5531988880202', '553188880202'].sort());
  const { body } = await company.get(`/v1/attendances?contact_id=${contact.id}`);
  t.equal(body.data.length, 1);
});

t.test('who has another number that was not told has none here, and the old one is free', async (t) => {
  await write('553188880208', { user_id: 'BR.MOVED1', name: 'Ivo' });
  await expanded();
  const before = await lookup('31988880208');
  await system(
    { from: '553188880208' },
    { type: 'user_changed_number', previous_user_id: 'BR.MOVED1', user_id: 'BR.MOVED2' },
  );
  await expanded();
  const { body: after } = await company.get(`/v1/contacts/${before.id}`);
  t.match(after, { phone: null });
  t.same(valuesOf(after, 'bsuid'), ['BR.MOVED2']);
  t.equal(await lookup('31988880208'), undefined);
});

t.test('a landline keeps its eight digits', async (t) => {
  await write('553133330203');
  await expanded();
  t.match(await lookup('(31) 3333-0203'), { phone: '+553133330203' });
});

t.test('who changes the number stays the same contact, and the old number is free', async (t) => {
  await write('553188880204', { name: 'Rui' });
  await expanded();
  const before = await lookup('31988880204');
  await system({ from: '553188880204' }, { type: 'user_changed_number', body: 'mudou', wa_id: '553188880205' });
  await expanded();
  t.match(await lookup('31988880205'), { id: before.id, phone: '+5531988880205' });
  t.equal(await lookup('31988880204'), undefined);
  const open = await newest();
  await company.post(`/v1/attendances/${open.id}/messages`, { text: 'Anotado!' }, { prefer: 'wait=20' });
  t.equal((await service.received('?to=5531988880205')).length, 1, 'the open attendance goes to the new number');
  t.equal((await service.received('?to=5531988880204')).length, 0);
  await write('553188880204', { name: 'Outra pessoa' });
  await expanded();
  t.not((await lookup('31988880204')).id, before.id);
});

t.test(
  'two contacts proved to be one are merged: the oldest open attendance survives, the old id answers',
  async (t) => {
    await write(null, { user_id: 'BR.MERGE1', name: 'Bia' });
    await expanded();
    const oldest = await newest();
    const started = await company.start(
      { contact: { phone: '(31) 98888-0206', name: 'Beatriz' } },
      { prefer: 'wait=20' },
    );
    await write('553188880206', { user_id: 'BR.MERGE1', name: 'Bia' });
    await expanded();
    const { body: survivor } = await company.get(`/v1/contacts/${oldest.contact.id}`);
    t.match(survivor, { name: 'Beatriz', phone: '+5531988880206' });
    t.same((await company.get(`/v1/contacts/${started.body.contact.id}`)).body.id, survivor.id);
    t.match((await company.get(`/v1/attendances/${oldest.id}`)).body, { status: 'open', contact: { id: survivor.id } });
    t.match((await company.get(`/v1/attendances/${started.body.id}`)).body, {
      status: 'closed',
      close_reason: 'merged',
    });
    t.equal((await eventsOf('contact.merged')).filter((one) => one.contact_id === survivor.id).length, 1);
    const again = await company.start({ contact: { id: oldest.contact.id }, on_open: 'reuse' });
    t.match(again, { status: 200, body: { id: oldest.id } });
  },
);

t.test('stop and resume of marketing messages are kept, told and enforced at the start', async (t) => {
  await write('553188880207');
  await expanded();
  const contact = await lookup('31988880207');
  const prefer = (value: string) =>
    deliver(
      {
        metadata,
        user_preferences: [{ wa_id: '553188880207', category: 'marketing_messages', value, timestamp: 1_790_000_000 }],
      },
      'user_preferences',
    );
  await prefer('stop');
  await expanded();
  t.match(await lookup('31988880207'), { marketing_opted_out_at: '2026-09-21T14:13:20.000Z' });
  const { body: templates } = await company.get('/v1/templates?category=marketing&limit=100');
  const marketing = templates.data.find((one: Body) => one.slots.length === 0) ?? templates.data[0];
  const ask = () =>
    company.start({ contact: { id: contact.id }, on_open: 'reuse', template: { id: marketing.id, parameters: {} } });
  const refused = await ask();
  t.equal(refused.status, 422);
  if (marketing.slots.length === 0) t.match(refused.body, { code: 'contact_opted_out' });
  await prefer('stop');
  await prefer('resume');
  await expanded();
  t.match(await lookup('31988880207'), { marketing_opted_out_at: null });
  t.equal((await eventsOf('contact.opted_out')).length, 1);
  t.equal((await eventsOf('contact.opted_in')).length, 1);
});

t.test('a change of number that is told again after others have the old one changes nothing', async (t) => {
  const at = seconds();
  const change = [
    { from: '553188880221' },
    { type: 'user_changed_number', body: 'mudou', wa_id: '553188880222' },
    at,
  ] as const;
  await write('553188880221', { name: 'Lia', at: at - 60 });
  await expanded();
  const lia = await lookup('31988880221');
  await system(...change);
  await expanded();
  await write('553188880221', { name: 'Filho', at: at + 60 });
  await expanded();
  const son = await lookup('31988880221');
  t.not(son.id, lia.id);
  await system(...change);
  await expanded();
  t.match(await lookup('31988880222'), { id: lia.id, phone: '+5531988880222' });
  t.match(await lookup('31988880221'), { id: son.id, phone: '+5531988880221' });
  t.same(await service.db('contacts').where({ id: son.id }).select('merged_into'), [{ merged_into: null }]);
});

t.test('a change of number told of somebody who was two contacts leaves one', async (t) => {
  await write(null, { user_id: 'BR.TWO1', name: 'Noa', at: seconds() - 60 });
  await expanded();
  const hidden = await newest();
  const { body: imported } = await company.post('/v1/contacts', { name: 'Noa', phone: '31988880231' });
  await system(
    { from: '553188880231' },
    { type: 'user_changed_number', previous_user_id: 'BR.TWO1', user_id: 'BR.TWO2', wa_id: '553188880232' },
  );
  await expanded();
  const after = await lookup('31988880232');
  t.same((await company.get(`/v1/contacts/${imported.id}`)).body.id, after.id);
  t.same((await company.get(`/v1/contacts/${hidden.contact.id}`)).body.id, after.id);
  t.equal(await lookup('31988880231'), undefined, 'the old number is free');
});

t.test('both forms of an Argentine number that were two contacts are one once the person writes', async (t) => {
  const { body: without } = await company.post('/v1/contacts', { name: 'Eva', phone: '+54 11 2345-6789' });
  const started = await company.start({ contact: { id: without.id } });
  // As they were before both forms had one key.
  const { body: other } = await company.post('/v1/contacts', { name: 'Eva', phone: '+54 11 2345-0000' });
  await service.db('contacts').where({ id: other.id }).update({ phone: '+5491123456789', phone_key: '+5491123456789' });
  await service
    .db('contact_identities')
    .where({ contact_id: other.id, kind: 'phone' })
    .update({ value: '+5491123456789' });
  await write('5491123456789', { name: 'Eva' });
  await expanded();
  const ids = await Promise.all(
    [without, other].map(async ({ id }) => (await company.get(`/v1/contacts/${id}`)).body.id),
  );
  t.equal(ids[0], ids[1]);
  t.match((await company.get(`/v1/attendances/${started.body.id}`)).body, {
    status: 'open',
    service_window: { status: 'active' },
  });
});
