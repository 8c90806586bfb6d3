import t from 'tap';
import { v7 as uuid } from 'uuid';
import { assertTold, createDesk, twins, waiting } from '../../support/attendances.ts';
import { allSent, assertRefused } from '../../support/refusal.ts';
import { startService } from '../../support/service.ts';

const service = await startService(t);
const { db } = service;
const company = await service.createCompany();
const desk = createDesk(service, company);
const boas_vindas = { name: 'boas_vindas', language: 'pt_BR' };
const retomar = { name: 'retomar_atendimento', language: 'pt_BR', parameters: { 'body.1': 'Ana', 'body.2': '8841' } };
const pathOf = (id: string) => `/v1/attendances/${id}/messages`;
const send = (id: string, body: unknown, headers = {}) => company.post(pathOf(id), body, headers);
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000);
const setWindow = (id: string, window_expires_at: Date | null) =>
  db('attendances').where({ id }).update({ window_expires_at });
/** An open attendance, so long ago that the next message may go at once. */
async function opened(type: 'official' | 'unofficial' = 'unofficial', over: Record<string, unknown> = {}) {
  const contact = { phone: desk.nextPhone() };
  const made = await (type === 'official' ? desk.startOfficial : desk.start)({ contact, ...over }, waiting);
  await desk.forgetPace();
  return { id: String(made.id), phone: contact.phone, contact_id: String(made.contact.id), attendance: made };
}

t.test('POST /v1/attendances/{attendance_id}/messages', async (t) => {
  t.test('a text on an unofficial channel: 201 queued, then sent in this attendance', async (t) => {
    const { id, phone, contact_id, attendance } = await opened();
    const { status, headers, body } = await send(id, { text: 'Já volto.' });
    t.equal(status, 201);
    t.equal(headers.location, `/v1/messages/${body.id}`);
    t.match(body, {
      ...{ attendance_id: id, contact_id, channel_id: company.unofficial_id, direction: 'outbound' },
      ...{ type: 'text', text: 'Já volto.', template: null, status: 'queued', attempts: [], resolutions: [] },
    });
    t.match(await send(id, { text: 'Pronto.' }), { status: 201 });
    await desk.forgetPace();
    await send(id, { text: 'Até!' }, waiting);
    const texts = (await desk.messagesOf(id)).map((message) => message.text);
    t.same(texts, ['Olá!', 'Já volto.', 'Pronto.', 'Até!'], 'listed oldest first');
    t.ok((await desk.sentTo(phone)).length >= 1);
    t.equal((await desk.get(id)).first_message.id, attendance.first_message.id, 'the first message stays the first');
  });
  t.test('Prefer: wait holds the answer until it has left, and it is told in the attendance', async (t) => {
    const { id, phone } = await opened();
    const { headers, body } = await send(id, { text: 'Já volto.' }, waiting);
    t.equal(headers['preference-applied'], 'wait=20');
    t.match(body, { status: 'accepted', attempts: [{ number: 1, outcome: 'accepted' }] });
    t.match(await desk.sentTo(phone), [{ text: 'Olá!' }, { text: 'Já volto.' }]);
    const types = ['attendance.started', 'message.accepted', 'attendance.opened', 'message.accepted'];
    const events = await assertTold(t, service, id, types);
    t.same(events[3]?.data, await desk.getMessage(body.id));
  });
  t.test('a later one that fails leaves the attendance open', async (t) => {
    const { id } = await opened();
    await db('attendances').where({ id }).update({ address_kind: 'phone', address: '+5531988880404' });
    await db('messages').where({ attendance_id: id }).update({ recipient_kind: 'phone', recipient: '+5531988880404' });
    t.match(await send(id, { text: 'Ainda aí?' }, waiting), { status: 201, body: { status: 'failed' } });
    t.equal((await desk.get(id)).status, 'open');
  });
  t.test('into one that opened without a message', async (t) => {
    const { id, phone } = await opened('unofficial', { text: undefined });
    t.match(await send(id, { text: 'Olá!' }, waiting), { status: 201, body: { status: 'accepted' } });
    t.match(await desk.sentTo(phone), [{ text: 'Olá!' }]);
    t.equal((await desk.get(id)).first_message, null);
  });
  t.test('a template on an official channel, whether the window is open or not', async (t) => {
    const { id } = await opened('official');
    const { body } = await send(id, { template: retomar }, waiting);
    t.match(body, { status: 'accepted', type: 'template', text: /8841/, template: { name: 'retomar_atendimento' } });
    await setWindow(id, inMinutes(5));
    t.match(await send(id, { template: boas_vindas }), { status: 201 });
  });
  t.test('a text on an official channel, while the service window is active', async (t) => {
    const { id, phone } = await opened('official');
    await setWindow(id, inMinutes(5));
    t.match(await send(id, { text: 'Já volto.' }, waiting), { status: 201, body: { status: 'accepted' } });
    t.match(await desk.sentTo(phone), [{ type: 'template' }, { type: 'text', text: 'Já volto.' }]);
  });
  t.test('goes where the attendance goes, though the contact has another number by now', async (t) => {
    for (const text of ['Olá!', undefined]) {
      const { id, phone, contact_id } = await opened('unofficial', { text });
      const other = desk.nextPhone();
      t.equal((await company.call('PATCH', `/v1/contacts/${contact_id}`, { phone: other })).status, 200);
      await send(id, { text: 'Ainda é você?' }, waiting);
      t.equal((await desk.sentTo(phone)).at(-1)?.text, 'Ainda é você?', text ? 'after a message' : 'as first message');
      t.same(await desk.sentTo(other), []);
    }
  });
  t.test('16 twins under one key: one message, equal answers', async (t) => {
    const { id } = await opened();
    const replies = await twins(company, 16, pathOf(id), { text: 'Uma vez' }, uuid());
    t.same([...new Set(replies.map(({ status }) => status))], [201]);
    t.equal(new Set(replies.map(({ text }) => text)).size, 1);
    t.equal((await desk.messagesOf(id)).length, 2);
  });
});

t.test('POST /v1/attendances/{attendance_id}/messages refuses, and saves nothing', async (t) => {
  await desk.forgetPace();
  await allSent(service);
  const refuses = (title: string, id: () => Promise<string>, body: unknown, status: number, code: string, at: string) =>
    t.test(`${title}: ${status} ${code}`, async (t) => {
      const attendance_id = await id();
      const errors: [string, string][] = [[at, code === 'template_parameters_invalid' ? 'missing' : code]];
      await assertRefused(t, service, () => send(attendance_id, body), { status, code, errors });
    });
  const official = async () => (await opened('official')).id;
  const unofficial = async () => (await opened()).id;
  refuses('one of nobody', async () => uuid(), { text: 'a' }, 404, 'attendance_not_found', ':attendance_id');
  for (const [status, digits] of [['closed'], ['failed', '0404']] as const) {
    const make = async () => {
      const { id } = await opened('unofficial', digits ? { contact: { phone: desk.nextPhone(digits) } } : {});
      if (status === 'closed') await company.post(`/v1/attendances/${id}/close`);
      t.equal((await desk.get(id)).status, status);
      return id;
    };
    refuses(`a ${status} one`, make, { text: 'a' }, 409, 'attendance_not_open', ':attendance_id');
  }
  const template = { template: boas_vindas };
  refuses('a template on a gateway', unofficial, template, 422, 'template_not_supported', '/template');
  const missing = { template: { id: uuid() } };
  refuses('a template of nobody', official, missing, 404, 'template_not_found', '/template/id');
  const unfilled = { template: { ...retomar, parameters: { 'body.1': 'Ana' } } };
  const slot = '/template/parameters/body.2';
  refuses('a slot left out', official, unfilled, 422, 'template_parameters_invalid', slot);

  const windows: [string, Date | null, string][] = [
    ['before the contact has written', null, 'not_started'],
    ['when the window is over', inMinutes(-1), 'expired'],
  ];
  for (const [title, expires_at, status] of windows) {
    t.test(`a text on an official channel ${title}: 422 service_window_closed`, async (t) => {
      const id = await official();
      await setWindow(id, expires_at);
      const refused = { status: 422, code: 'service_window_closed', pointer: '/text' };
      const { body } = await assertRefused(t, service, () => send(id, { text: 'a' }), refused);
      t.same(body.service_window, { status, expires_at: expires_at?.toISOString() ?? null });
    });
  }
  t.test('a marketing template to a contact who opted out: 422 contact_opted_out; a utility one goes', async (t) => {
    const { id, contact_id } = await opened('official');
    await db('contacts').where({ id: contact_id }).update({ marketing_opted_out_at: new Date() });
    await db('templates')
      .where({ account_id: company.account_id, name: 'boas_vindas' })
      .update({ category: 'marketing' });
    const errors = [{ pointer: ':attendance_id', code: 'contact_opted_out' }];
    t.match(await send(id, { template: boas_vindas }), { status: 422, body: { code: 'contact_opted_out', errors } });
    t.match(await send(id, { template: retomar }), { status: 201 });
  });
});

t.test('POST /v1/attendances/{attendance_id}/messages takes a text or a template, and not both', async (t) => {
  const { id } = await opened();
  const bodies = {
    both: { text: 'a', template: boas_vindas },
    neither: {},
    'no body': undefined,
    'an empty text': { text: '' },
    'an unknown field': { text: 'a', to: '+5531988880001' },
    'a text that is none': { text: 5 },
    'half a template': { template: { name: 'boas_vindas' } },
  };
  for (const [title, body] of Object.entries(bodies)) {
    t.test(`${title}: 400`, async (t) => {
      const reply = await send(id, body);
      t.equal(reply.status, 400, reply.text);
      t.match(reply.body, { code: 'validation_failed' });
      t.ok(reply.body.errors.length > 0, 'says where');
    });
  }
});
