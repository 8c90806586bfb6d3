import t from 'tap';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const sentTo = (phone: string) => service.received(`?to=55${phone}`);
/** Of an attendance, in its order. */
const eventsOf = async (attendance_id: string): Promise<Body[]> =>
  service.db('events').where({ attendance_id }).orderBy('attendance_sequence').select('*');

t.test('POST /v1/attendances', async (t) => {
  t.test('on an official channel with a template: 201 starting, and the message is queued', async (t) => {
    const { status, body, headers } = await company.start({ contact: { phone: '31988880001', name: 'Ana' } });
    t.equal(status, 201);
    t.equal(headers.location, `/v1/attendances/${body.id}`);
    t.match(body, {
      status: 'starting',
      origin: 'active',
      contact: { name: 'Ana', phone: '+5531988880001' },
      channel: { id: company.official_id, name: 'Oficial', type: 'official' },
      team: { id: company.team_id, name: 'Comercial' },
      first_message: { type: 'template', status: 'queued', error: null },
      service_window: { status: 'not_started', expires_at: null },
      closed_at: null,
    });
    t.match(body.outcome, { contact: 'created', attendance: 'created', message_id: body.first_message.id });
  });

  t.test('and it opens when the provider has taken the message, which is sent once', async (t) => {
    const { body: started } = await company.start({ contact: { phone: '31988880002' } });
    const { body } = await eventually(
      () => company.get(`/v1/attendances/${started.id}`),
      (reply) => reply.body.status === 'open',
    );
    t.match(body.first_message, { id: started.first_message.id, status: 'accepted', error: null });
    t.equal((await sentTo('31988880002')).length, 1);
  });

  t.test('without channel_id takes the only usable channel', async (t) => {
    const single = await service.createCompany();
    await service.db('channels').where({ id: single.official_id }).update({ status: 'restricted' });
    const body = { contact: { phone: '31988880003' }, team_id: single.team_id, text: 'Olá!' };
    t.match(await single.post('/v1/attendances', body), {
      status: 201,
      body: { channel: { id: single.unofficial_id } },
    });
  });

  t.test("goes to the contact's number of now, whatever address the gateway gave for the old one", async (t) => {
    const channel_id = company.unofficial_id;
    const contact = { phone: '31988880004' };
    const { body: first } = await company.start({ contact, channel_id, text: 'Olá!' }, { prefer: 'wait=20' });
    await company.post(`/v1/attendances/${first.id}/close`);
    await company.call('PATCH', `/v1/contacts/${first.contact.id}`, { phone: '31988880005' });
    await service.db('attempts').update({ started_at: new Date(Date.now() - 60_000) });
    const again = { contact: { id: first.contact.id }, channel_id, text: 'Olá!' };
    t.match(await company.start(again, { prefer: 'wait=20' }), { status: 201, body: { status: 'open' } });
    t.equal((await sentTo('31988880004')).length, 1);
    t.equal((await sentTo('31988880005')).length, 1);
  });

  t.test('fails with the provider, blocks nothing, and says why in the language asked for', async (t) => {
    const contact = { phone: '31988880404' };
    const { body: failed } = await company.start({ contact }, { prefer: 'wait=20' });
    t.match(failed, { status: 'failed', first_message: { status: 'failed', error: { action: 'fix_number' } } });
    const { body: shown } = await company.get(`/v1/attendances/${failed.id}`, { 'accept-language': 'pt-BR' });
    t.not(shown.first_message.error.detail, failed.first_message.error.detail);
    t.equal(shown.first_message.error.code, failed.first_message.error.code);
    t.match(await company.start({ contact }), { status: 201, body: { outcome: { contact: 'found' } } });
  });
});

t.test('POST /v1/attendances with on_open reuse', async (t) => {
  const contact = { phone: '31988881001', name: 'Ana' };
  const channel_id = company.unofficial_id;
  const { body: first } = await company.start({ contact, channel_id, external_ref: 'crm-1' });

  t.test('200 with the open attendance; the message is sent in it, and what was overruled is named', async (t) => {
    const reply = await company.start(
      {
        contact: { ...contact, name: 'Outra' },
        channel_id,
        team_id: company.other_team_id,
        text: 'De novo',
        on_open: 'reuse',
        external_ref: 'crm-2',
        metadata: { a: 1 },
        actor: { id: 'agent-7' },
      },
      { prefer: 'wait=20' },
    );
    t.equal(reply.status, 200);
    t.equal(reply.headers.location, `/v1/attendances/${first.id}`);
    const { outcome, ...attendance } = reply.body;
    t.match(attendance, { id: first.id, status: 'open', external_ref: 'crm-1', metadata: {}, first_message: null });
    t.match(attendance.team, { id: company.team_id });
    t.match(outcome, { contact: 'found', attendance: 'reused' });
    t.same(outcome.not_applied, ['contact.name', 'team_id', 'external_ref', 'metadata', 'actor']);
    const { body: messages } = await company.get(`/v1/attendances/${first.id}/messages`);
    t.match(messages.data, [{ id: outcome.message_id, text: 'De novo', status: 'accepted', attendance_id: first.id }]);
    t.match(await sentTo('31988881001'), [{ text: 'De novo' }]);
  });

  t.test('the same team, and no text: nothing is overruled, nothing is sent', async (t) => {
    const before = await eventsOf(first.id);
    const { status, body } = await company.start({ contact: { phone: contact.phone }, channel_id, on_open: 'reuse' });
    t.equal(status, 200);
    t.match(body.outcome, { attendance: 'reused', message_id: null });
    t.same(body.outcome.not_applied, []);
    t.equal((await eventsOf(first.id)).length, before.length);
  });

  t.test('the same team, its id in capitals: nothing is overruled', async (t) => {
    const team_id = company.team_id.toUpperCase();
    const { body } = await company.start({ contact: { phone: contact.phone }, channel_id, team_id, on_open: 'reuse' });
    t.same(body.outcome.not_applied, []);
  });

  t.test('a template goes into an open attendance of an official channel too', async (t) => {
    const { body: open } = await company.start({ contact: { phone: '31988881002' } }, { prefer: 'wait=20' });
    const { status, body } = await company.start({ contact: { phone: '31988881002' }, on_open: 'reuse' });
    t.equal(status, 200);
    t.equal(body.first_message.id, open.first_message.id, 'the first message stays the first');
    t.not(body.outcome.message_id, open.first_message.id);
  });

  t.test('and none open: 201 with a new one', async (t) => {
    const reply = await company.start({ contact: { phone: '31988881003' }, on_open: 'reuse' });
    t.match(reply, { status: 201, body: { outcome: { attendance: 'created' } } });
  });

  t.test('goes where the open attendance goes, although the contact has no number any more', async (t) => {
    const { body: open } = await company.start({ contact: { phone: '31988881004' } }, { prefer: 'wait=20' });
    const { id } = open.contact;
    t.match(await company.call('PATCH', `/v1/contacts/${id}`, { phone: null }), { status: 200 });
    const reply = await company.start({ contact: { id }, on_open: 'reuse' }, { prefer: 'wait=20' });
    t.match(reply, { status: 200, body: { outcome: { attendance: 'reused' } } });
    const { body: message } = await company.get(`/v1/messages/${reply.body.outcome.message_id}`);
    t.equal(message.status, 'accepted');
  });

  t.test('is refused by the same rules as a start', async (t) => {
    const template = { name: 'boas_vindas', language: 'pt_BR' };
    const reply = await company.start({ contact, channel_id, template, on_open: 'reuse' });
    t.match(reply, { status: 422, body: { code: 'template_not_supported' } });
  });
});

t.test('what happens after a start is told in sequence', async (t) => {
  const told: [string, string, string[]][] = [
    ['accepted', '31988882001', ['attendance.started', 'message.accepted', 'attendance.opened']],
    ['refused', '31977770404', ['attendance.started', 'message.failed', 'attendance.failed']],
    ['in doubt', '31977770499', ['attendance.started', 'message.unknown']],
  ];
  for (const [title, phone, types] of told) {
    t.test(`${title}: ${types.join(', ')}, numbered from 1 without a gap`, async (t) => {
      const { body: started } = await company.start({ contact: { phone } }, { prefer: 'wait=20' });
      const events = await eventsOf(started.id);
      t.same(
        events.map(({ type, attendance_sequence }) => [type, attendance_sequence]),
        types.map((type, place) => [type, place + 1]),
      );
      const { timeline, ...attendance } = (await company.get(`/v1/attendances/${started.id}`)).body;
      t.same(
        timeline.map(({ type, sequence }: Body) => [type, sequence]),
        types.map((type, place) => [type, place + 1]),
      );
      const { timeline: __, ...message } = (await company.get(`/v1/messages/${started.first_message.id}`)).body;
      t.same(events[1]?.data, message, 'data of message.*: the message as shown');
      if (events[2]) t.same(events[2].data, attendance, 'data of attendance.*: the attendance as shown');
    });
  }

  t.test('a message into an open attendance goes on counting', async (t) => {
    const contact = { phone: '31988882002' };
    const { body: first } = await company.start({ contact, channel_id: company.unofficial_id });
    await company.start(
      { contact, channel_id: company.unofficial_id, text: 'Olá!', on_open: 'reuse' },
      { prefer: 'wait=20' },
    );
    const types = (await eventsOf(first.id)).map(({ type, attendance_sequence }) => [type, attendance_sequence]);
    t.same(types, [
      ['attendance.started', 1],
      ['message.accepted', 2],
    ]);
  });
});
