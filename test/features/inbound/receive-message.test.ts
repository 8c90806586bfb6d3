import t from 'tap';
import { createInbound, newId } from '../../support/inbound.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const { write, deliver, gateway, taken, expanded, metadata } = createInbound(service, company);
const attendancesOf = async (contact_id: string): Promise<Body[]> =>
  (await company.get(`/v1/attendances?contact_id=${contact_id}`)).body.data;
const lookup = async (phone: string): Promise<Body> =>
  (await company.get(`/v1/contacts/lookup?phone=${encodeURIComponent(phone)}`)).body.contacts[0];
const messagesOf = async (id: string): Promise<Body[]> =>
  (await company.get(`/v1/attendances/${id}/messages?limit=100`)).body.data;
const typesOf = async (id: string): Promise<string[]> =>
  (await company.get(`/v1/attendances/${id}`)).body.timeline.map((entry: Body) => entry.type);

t.test('a first message opens one receptive attendance, in the default team, with its window', async (t) => {
  const at = Math.floor(Date.now() / 1000) - 5;
  t.match(await write('553188880101', { text: 'Olá, tudo bem?', name: 'José', at }), { status: 200 });
  await expanded();
  const contact = await lookup('(31) 98888-0101');
  t.match(contact, { name: null, profile_name: 'José', phone: '+5531988880101' });
  t.ok(contact.identities.some((one: Body) => one.kind === 'wa_id' && one.value === '553188880101'));
  const [attendance, more] = await attendancesOf(contact.id);
  t.notOk(more);
  t.match(attendance, {
    status: 'open',
    origin: 'receptive',
    team: { id: company.team_id },
    first_message: null,
    started_by: null,
    service_window: { status: 'active', expires_at: new Date((at + 86_400) * 1000).toISOString() },
  });
  t.match(await messagesOf(attendance.id), [
    { direction: 'inbound', status: 'received', text: 'Olá, tudo bem?', type: 'text' },
  ]);
  t.same(await typesOf(attendance.id), [
    'attendance.started',
    'attendance.opened',
    'message.received',
    'service_window.opened',
  ]);

  t.test('and free text answers it, to the address that wrote', async (t) => {
    const sent = await company.post(
      `/v1/attendances/${attendance.id}/messages`,
      { text: 'Bom dia!' },
      { prefer: 'wait=20' },
    );
    t.match(sent, { status: 201, body: { status: 'accepted' } });
    const [received] = await service.received('?to=553188880101');
    t.ok(received);
  });
  t.test('a second message joins it', async (t) => {
    await write('553188880101', { text: 'Ainda aí?' });
    await expanded();
    t.equal((await attendancesOf(contact.id)).length, 1);
    t.same(
      (await messagesOf(attendance.id)).map((one) => one.text),
      ['Olá, tudo bem?', 'Bom dia!', 'Ainda aí?'],
    );
  });
});

t.test('50 messages at once from one new person: one contact, one attendance, 50 messages in order', async (t) => {
  const texts = Array.from({ length: 50 }, (_, place) => `mensagem ${place}`);
  const replies = await Promise.all(texts.map((text) => write('553188880102', { text })));
  t.same([...new Set(replies.map(({ status }) => status))], [200]);
  await expanded();
  const contact = await lookup('31988880102');
  const [attendance, more] = await attendancesOf(contact.id);
  t.notOk(more);
  t.same(
    (await messagesOf(attendance.id)).map((one) => one.text),
    texts,
  );
  const { timeline } = (await company.get(`/v1/attendances/${attendance.id}`)).body;
  t.same(
    timeline.map((entry: Body) => entry.sequence),
    timeline.map((_: Body, place: number) => place + 1),
  );
});

t.test('the same message again, in another body: no second effect', async (t) => {
  const id = newId();
  await write('553188880103', { id });
  await write('553188880103', { id });
  await expanded();
  await write('553188880103', { id });
  await expanded();
  const contact = await lookup('31988880103');
  const [attendance] = await attendancesOf(contact.id);
  t.equal((await messagesOf(attendance.id)).length, 1);
});

t.test('a reply to an attendance that we started joins it, keeps its team and opens the window', async (t) => {
  const started = await company.start(
    { contact: { phone: '(31) 98888-0104', name: 'Ana' }, team_id: company.other_team_id },
    { prefer: 'wait=20' },
  );
  t.match(started.body, { status: 'open', service_window: { status: 'not_started' } });
  // Without the ninth digit, as WhatsApp knows older numbers.
  await write('553188880104', { text: 'Sim!' });
  await expanded();
  const { body } = await company.get(`/v1/attendances/${started.body.id}`);
  t.match(body, {
    status: 'open',
    origin: 'active',
    team: { id: company.other_team_id },
    service_window: { status: 'active' },
  });
  t.equal((await attendancesOf(started.body.contact.id)).length, 1);
  const sent = await company.post(`/v1/attendances/${started.body.id}/messages`, { text: 'Ótimo.' });
  t.equal(sent.status, 201);
});

t.test('after a close a message opens a new attendance, or reopens the old one as the channel says', async (t) => {
  await write('553188880105');
  await expanded();
  const contact = await lookup('31988880105');
  const [first] = await attendancesOf(contact.id);
  await company.post(`/v1/attendances/${first.id}/close`, { reason: 'resolved' });
  await write('553188880105', { text: 'De novo' });
  await expanded();
  const [second, oldest] = await attendancesOf(contact.id);
  t.equal(oldest.id, first.id);
  t.match(second, { status: 'open', origin: 'receptive' });

  await company.call('PATCH', `/v1/channels/${company.official_id}`, { reopen_within_s: 3_600 });
  await company.post(`/v1/attendances/${second.id}/close`);
  await write('553188880105', { text: 'Mais uma' });
  await expanded();
  const all = await attendancesOf(contact.id);
  t.equal(all.length, 2);
  t.match(all[0], { id: second.id, status: 'open', closed_at: null, close_reason: null });
});

t.test('what opens nothing: reactions, calls, groups, system messages, history', async (t) => {
  const person = { wa_id: '553188880106', profile: { name: 'Ana' } };
  const base = { from: '553188880106', timestamp: '1790000000' };
  const values: [string, unknown][] = [
    [
      'messages',
      {
        metadata,
        contacts: [person],
        messages: [{ ...base, id: newId(), type: 'reaction', reaction: { message_id: 'wamid.X', emoji: '👍' } }],
      },
    ],
    [
      'messages',
      {
        metadata,
        contacts: [person],
        messages: [{ ...base, id: newId(), type: 'text', group_id: 'G1', text: { body: 'oi' } }],
      },
    ],
    [
      'messages',
      { metadata, messages: [{ ...base, id: newId(), type: 'system', system: { type: 'customer_identity_changed' } }] },
    ],
    ['calls', { metadata, calls: [{ ...base, id: newId() }] }],
    [
      'history',
      {
        metadata,
        history: [
          {
            threads: [
              { id: '553188880106', messages: [{ ...base, id: newId(), type: 'text', text: { body: 'antiga' } }] },
            ],
          },
        ],
      },
    ],
    ['a_new_field', { metadata, anything: 1 }],
  ];
  for (const [field, value] of values) t.match(await deliver(value, field), { status: 200 });
  await expanded();
  const rows = await service
    .db('attendances')
    .join('contacts', 'contacts.id', 'attendances.contact_id')
    .where({ 'contacts.phone': '+5531988880106' });
  t.same(rows, []);
  t.same(await service.db('inbound_items').select('*'), []);
});

t.test('a gateway: a text by LID alone makes a contact that can be answered', async (t) => {
  const key = { remoteJid: '138401042923712@lid', fromMe: false, id: '3A0000000000000001' };
  const data = {
    key,
    pushName: 'Lia',
    message: { conversation: 'Oi' },
    messageType: 'conversation',
    messageTimestamp: Math.floor(Date.now() / 1000),
  };
  t.match(await gateway('messages.upsert', data), { status: 200 });
  await expanded();
  const { body } = await company.get('/v1/attendances?origin=receptive&limit=1');
  const [attendance] = body.data;
  t.match(attendance, { channel: { id: company.unofficial_id }, contact: { name: 'Lia', phone: null } });
  const sent = await company.post(
    `/v1/attendances/${attendance.id}/messages`,
    { text: 'Olá, Lia' },
    { prefer: 'wait=20' },
  );
  t.match(sent.body, { status: 'accepted' });

  t.test('when the phone is told beside it, the contact with that phone and this one turn out to be one', async (t) => {
    const { body: known } = await company.post('/v1/contacts', { phone: '(31) 98888-0107', name: 'Lia Souza' });
    const both = { ...key, remoteJidAlt: '553188880107@s.whatsapp.net', id: '3A0000000000000002' };
    await gateway('messages.upsert', { ...data, key: both });
    await expanded();
    const merged = await company.get(`/v1/contacts/${attendance.contact.id}`);
    t.match(merged.body, { id: known.id, name: 'Lia Souza', phone: '+5531988880107' });
    t.match((await company.get(`/v1/attendances/${attendance.id}`)).body, { contact: { id: known.id } });
    t.equal((await attendancesOf(known.id)).length, 1);
  });
});

t.test('an answer goes to the number that wrote, and not to the one that the contact had', async (t) => {
  const { body: started } = await company.start({ contact: { phone: '31988880171', name: 'Gil' } });
  const { body: contact } = await company.get(`/v1/contacts/${started.contact.id}`);
  await company.call('PATCH', `/v1/contacts/${contact.id}`, { phone: '31988880172' });
  await write('553188880172', { name: 'Gil' });
  await expanded();
  t.match((await company.get(`/v1/attendances/${started.id}`)).body, { status: 'open' });
  await company.post(`/v1/attendances/${started.id}/messages`, { text: 'Oi, Gil!' }, { prefer: 'wait=20' });
  const texts = async (to: string) =>
    (await service.received(`?to=${to}`)).filter((one: Body) => JSON.stringify(one).includes('Oi, Gil!'));
  t.equal((await texts('5531988880171')).length, 0);
  t.equal((await texts('553188880172')).length, 1);

  t.test('one that is opened again goes there, too', async () => {
    await company.call('PATCH', `/v1/channels/${company.official_id}`, { reopen_within_s: 3_600 });
    await company.post(`/v1/attendances/${started.id}/close`, { force: true });
    await company.call('PATCH', `/v1/contacts/${contact.id}`, { phone: '31988880173' });
    await write('553188880173', { name: 'Gil' });
    await expanded();
    const [row] = await service.db('attendances').where({ id: started.id }).select('status', 'address');
    t.same(row, { status: 'open', address: '553188880173' });
  });
});

t.test('what a person wrote who was erased does not come back with a repeat of the provider', async (t) => {
  const id = 'wamid.ERASED0001';
  await write('553188880181', { id, name: 'Mia', text: 'Sou eu' });
  await expanded();
  const contact = await lookup('31988880181');
  t.match(await company.call('DELETE', `/v1/contacts/${contact.id}`), { status: 204 });
  await write('553188880181', { id, name: 'Mia', text: 'Sou eu' });
  await expanded();
  t.equal(await lookup('31988880181'), undefined);
  await write('553188880181', { name: 'Mia', text: 'Outra coisa' });
  await expanded();
  const anew = await lookup('31988880181');
  t.not(anew.id, contact.id, 'who writes again is somebody new');
  t.equal((await attendancesOf(anew.id)).length, 1);
});

t.test('a message whose attendance somebody holds waits alone, and its neighbours are there', async (t) => {
  await write('553188880191', { name: 'Preso' });
  await expanded();
  const [held] = await attendancesOf((await lookup('31988880191')).id);
  const holder = await service.db.transaction();
  await holder.raw('set local idle_in_transaction_session_timeout = 0');
  await holder('attendances').where({ id: held.id }).forUpdate().select('id');
  const person = (wa_id: string) => ({ wa_id, profile: { name: 'Duas' } });
  const message = (from: string) => ({
    ...{ from, id: newId(), timestamp: String(Math.floor(Date.now() / 1_000)) },
    ...{ type: 'text', text: { body: 'Na mesma' } },
  });
  await deliver({
    ...{ messaging_product: 'whatsapp', metadata, contacts: [person('553188880191'), person('553188880192')] },
    messages: [message('553188880191'), message('553188880192')],
  });
  await taken();
  t.equal((await attendancesOf((await lookup('31988880192')).id)).length, 1);
  // As often as an event may fail that is at fault itself.
  await service.db('inbound_items').update({ tries: 20, run_at: service.db.fn.now() });
  await eventually(
    () => service.db('inbound_items').select('state', 'tries'),
    ([item]) => item?.state === 'due' && item.tries > 20,
  );
  await holder.rollback();
  await service.db('inbound_items').update({ run_at: service.db.fn.now() });
  await expanded();
  const { body } = await company.get(`/v1/attendances/${held.id}/messages`);
  t.equal(body.data.length, 2);
  t.same(await service.db('inbound_items').select('*'), []);
});
