import t from 'tap';
import { type Body, startService } from '../../support/service.ts';

/** Without lanes nothing changes between the answer, which was composed, and what is read from the rows. */
const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const eventsOf = (where: Record<string, unknown>) =>
  service.db('events').where(where).orderBy(['txid', 'position']).select('*');

/** What a GET shows, beside the timeline. */
async function shown(id: string): Promise<Body> {
  const { timeline: _, ...attendance } = (await company.get(`/v1/attendances/${id}`)).body;
  return attendance;
}

t.test('the answer of a start is what a GET of the attendance shows', async (t) => {
  const addContact = async (body: Record<string, unknown>) => (await company.post('/v1/contacts', body)).body.id;
  const nameless = await addContact({ phone: '31988880003' });
  await service.db('contacts').where({ id: nameless }).update({ profile_name: 'Aninha' });
  const starts: [string, Record<string, unknown>][] = [
    ['with a contact it made', { contact: { phone: '31988880001', name: 'Ana' } }],
    ['with a contact it made, without a name', { contact: { phone: '+351 912 345 678' } }],
    ['with a contact it found', { contact: { id: await addContact({ phone: '31988880002', name: 'Bia' }) } }],
    ['with a contact that only has a name on WhatsApp', { contact: { id: nameless } }],
    ['without a message', { contact: { phone: '31988880004' }, channel_id: company.unofficial_id }],
    ['with a text', { contact: { phone: '31988880005' }, channel_id: company.unofficial_id, text: 'Olá\n👋' }],
    [
      'with all there is',
      {
        contact: { phone: '31988880006', name: 'Caio' },
        team_id: company.other_team_id,
        external_ref: 'crm-123',
        metadata: { z: 1, a: [null, { b: 'ção' }], 'two\nlines': true, empty: {}, '': 0.5 },
        actor: { id: 'agent-7', name: 'Bia' },
        send_within_s: 60,
      },
    ],
    ['with an actor without a name', { contact: { phone: '31988880007' }, actor: { id: 'agent-7' } }],
  ];
  for (const [title, body] of starts) {
    t.test(title, async (t) => {
      const { status, body: answer, headers } = await company.start(body);
      t.equal(status, 201);
      t.equal(headers.location, `/v1/attendances/${answer.id}`);
      const { outcome, ...attendance } = answer;
      t.same(await shown(answer.id), attendance);
      t.equal(outcome.message_id, attendance.first_message?.id ?? null);
    });
  }
});

t.test('a start gives back external_ref, metadata and actor as they came', async (t) => {
  const metadata = { order: '8841', 'two\nlines': [1, 2.5, null, 'ção'], deep: { deeper: { deepest: [] } } };
  const actor = { id: 'agent-7', name: 'Bia' };
  const { body } = await company.start({ contact: { phone: '31988880101' }, external_ref: 'crm-1', metadata, actor });
  t.equal(body.external_ref, 'crm-1');
  t.same(body.metadata, metadata);
  t.same(body.started_by.actor, actor);
  const [key] = await service.db('api_keys').where({ account_id: company.account_id });
  t.equal(body.started_by.api_key_id, key.id);
});

t.test('send_within_s of the start, else of the channel, says until when the message may go', async (t) => {
  for (const [send_within_s, phone, expected] of [
    [60, '31988880201', 60],
    [undefined, '31988880202', 3_600],
  ] as const) {
    const { body } = await company.start({ contact: { phone }, send_within_s });
    const { rows } = await service.db.raw(
      'select extract(epoch from send_before - run_at) as within_s from messages where id = ?',
      [body.first_message.id],
    );
    t.equal(Math.round(Number(rows[0].within_s)), expected);
  }
  for (const send_within_s of [0, 604_801, 1.5, '60', null]) {
    t.match(await company.start({ send_within_s }), { status: 400, body: { errors: [{ pointer: '/send_within_s' }] } });
  }
});

t.test('outcome', async (t) => {
  t.test('says that the contact was made', async (t) => {
    const { body } = await company.start({ contact: { phone: '(31) 98888-0301', name: 'Ana' } });
    const made = { contact: 'created', attendance: 'created', message_id: body.first_message.id, not_applied: [] };
    t.same(body.outcome, made);
    t.match((await company.get(`/v1/contacts/${body.contact.id}`)).body, { name: 'Ana', phone: '+5531988880301' });
  });
  for (const [registered, asked] of [
    ['(31) 8888-0302', '+55 31 98888-0302'],
    ['+55 31 98888-0303', '553188880303'],
  ]) {
    t.test(`says that ${registered} was found by ${asked}, and keeps its name`, async (t) => {
      const { body: contact } = await company.post('/v1/contacts', { phone: registered, name: 'Ana' });
      const { body } = await company.start({ contact: { phone: asked, name: 'Outra' } });
      t.match(body, { contact: { id: contact.id, name: 'Ana' }, outcome: { contact: 'found' } });
      t.same(body.outcome.not_applied, ['contact.name']);
    });
  }
  t.test('lists nothing when the name is the one it has', async (t) => {
    await company.post('/v1/contacts', { phone: '31988880304', name: 'Ana' });
    const { body } = await company.start({ contact: { phone: '31988880304', name: 'Ana' } });
    t.same(body.outcome.not_applied, []);
  });
});

t.test('a start that made its contact tells of both, in this order', async (t) => {
  const { body } = await company.start({ contact: { phone: '31988880401', name: 'Ana' }, metadata: { 'a\nb': 1 } });
  const { outcome: _, ...attendance } = body;
  const events = await eventsOf({ contact_id: body.contact.id });
  t.match(
    events.map(({ type, attendance_id, attendance_sequence }) => [type, attendance_id, attendance_sequence]),
    [
      ['contact.created', null, null],
      ['attendance.started', body.id, 1],
    ],
  );
  t.same(events[0]?.data, (await company.get(`/v1/contacts/${body.contact.id}`)).body, 'data: the contact as shown');
  t.same(events[1]?.data, attendance, 'data: the attendance as shown');
  t.same((await company.get(`/v1/attendances/${body.id}`)).body.timeline, [
    { type: 'attendance.started', sequence: 1, at: body.created_at },
  ]);
});

t.test('a start that found its contact tells of the attendance alone', async (t) => {
  const { body: contact } = await company.post('/v1/contacts', { phone: '31988880402' });
  await company.start({ contact: { id: contact.id } });
  const types = (await eventsOf({ contact_id: contact.id })).map(({ type }) => type);
  t.same(types, ['contact.created', 'attendance.started']);
});
