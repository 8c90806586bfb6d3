import t from 'tap';
import { v7 as uuid } from 'uuid';
import { assertTold, createDesk, twins, waiting } from '../../support/attendances.ts';
import { eventually, startService, untilServed } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const desk = createDesk(service, company);
const { official_id, unofficial_id } = company;
const boas_vindas = { name: 'boas_vindas', language: 'pt_BR' };
const pathOf = (id: string) => `/v1/attendances/${id}/retry`;
const retry = (id: string, body?: unknown, headers = {}) => company.post(pathOf(id), body, headers);

/** Failed, because nobody has the number; `moved` gives the contact one that somebody has, and the pace forgotten. */
async function failed(over: Record<string, unknown> = {}) {
  const attendance = await desk.start({ contact: { phone: desk.nextPhone('0404') }, ...over }, waiting);
  if (attendance.status !== 'failed') throw new Error(`not failed: ${attendance.status}`);
  return attendance;
}
async function moved(over: Record<string, unknown> = {}) {
  const attendance = await failed(over);
  const phone = desk.nextPhone();
  const { status, text } = await company.call('PATCH', `/v1/contacts/${attendance.contact.id}`, { phone });
  if (status !== 200) throw new Error(text);
  await desk.forgetPace();
  return { attendance, phone };
}
const official = { channel_id: official_id, text: undefined, template: boas_vindas };
const settled = (id: string) =>
  eventually(
    () => desk.get(id),
    ({ status }) => status !== 'starting',
  );

t.test('POST /v1/attendances/{attendance_id}/retry', async (t) => {
  t.test("says the same again, in place, to the contact's number of now", async (t) => {
    const { attendance, phone } = await moved({ text: 'Olá de novo!' });
    const { status, headers, body } = await retry(attendance.id);
    t.equal(status, 200);
    t.equal(headers.location, `/v1/attendances/${attendance.id}`);
    t.match(body, { id: attendance.id, status: 'starting', created_at: attendance.created_at });
    t.match(body.first_message, { status: 'queued', text: 'Olá de novo!', error: null });
    t.not(body.first_message.id, attendance.first_message.id);
    const open = await settled(attendance.id);
    t.match(open, { status: 'open', first_message: { id: body.first_message.id, status: 'accepted' } });
    t.match(await desk.sentTo(phone), [{ text: 'Olá de novo!', accepted: true }]);
    t.match(
      await desk.messagesOf(attendance.id),
      [{ id: attendance.first_message.id, status: 'failed' }, { id: body.first_message.id }],
      'the failed one stays in the history',
    );
    const first = ['attendance.started', 'message.failed', 'attendance.failed'];
    const again = ['attendance.started', 'message.accepted', 'attendance.opened'];
    const events = await assertTold(t, service, attendance.id, [...first, ...again]);
    t.same(events[3]?.data, body, 'told as it was answered');
    t.same(events[5]?.data, open);
  });
  t.test('says a new text', async (t) => {
    const { attendance, phone } = await moved();
    await retry(attendance.id, { text: 'Outra coisa' }, waiting);
    t.match(await desk.sentTo(phone), [{ text: 'Outra coisa' }]);
  });
  t.test('says the same template again, with the same parameters', async (t) => {
    const template = {
      name: 'retomar_atendimento',
      language: 'pt_BR',
      parameters: { 'body.1': 'Ana', 'body.2': '8841' },
    };
    const { attendance, phone } = await moved({ ...official, template });
    const { body } = await retry(attendance.id, {}, waiting);
    t.match(body, { status: 'open', first_message: { text: attendance.first_message.text } });
    t.match(await desk.sentTo(phone), [{ template: { name: 'retomar_atendimento' }, accepted: true }]);
    const messages = await desk.messagesOf(attendance.id);
    t.same(messages[1]?.template, messages[0]?.template);
  });
  t.test('says a new template', async (t) => {
    const { attendance, phone } = await moved(official);
    const template = { name: 'retomar_atendimento', language: 'pt_BR', parameters: { 'body.1': 'Bia', 'body.2': '1' } };
    await retry(attendance.id, { template }, waiting);
    t.match(await desk.sentTo(phone), [{ template: { name: 'retomar_atendimento' } }]);
  });
  t.test('fails again, and can be tried once more', async (t) => {
    const attendance = await failed();
    await desk.forgetPace();
    const { body } = await retry(attendance.id, undefined, waiting);
    t.match(body, { status: 'failed', first_message: { status: 'failed' } });
    const phone = desk.nextPhone();
    await company.call('PATCH', `/v1/contacts/${attendance.contact.id}`, { phone });
    await desk.forgetPace();
    t.match(await retry(attendance.id, null, waiting), { body: { status: 'open' } });
    t.equal((await desk.messagesOf(attendance.id)).length, 3);
  });
  t.test('Prefer: wait holds the answer until the message has left', async (t) => {
    const { attendance } = await moved();
    const { headers, body } = await retry(attendance.id, undefined, waiting);
    t.equal(headers['preference-applied'], 'wait=20');
    t.match(body, { status: 'open', first_message: { status: 'accepted' } });
  });
  t.test('16 twins under one key: one message, equal answers', async (t) => {
    const { attendance, phone } = await moved();
    const replies = await twins(company, 16, pathOf(attendance.id), {}, uuid());
    t.same([...new Set(replies.map(({ status }) => status))], [200]);
    t.equal(new Set(replies.map(({ text }) => text)).size, 1);
    t.equal(replies.filter(({ headers }) => headers['idempotent-replayed'] === 'true').length, 15);
    t.equal((await settled(attendance.id)).status, 'open');
    t.equal((await desk.sentTo(phone)).length, 1);
    t.equal((await desk.messagesOf(attendance.id)).length, 2);
  });
});

t.test('a retry and a start at once: one of them goes, never two', async (t) => {
  for (const digits of ['0001', '0404']) {
    const outcomes = new Set<string>();
    for (let round = 0; round < 10; round += 1) {
      const attendance = await failed({ contact: { phone: desk.nextPhone('0404') } });
      const { id } = attendance.contact;
      if (digits !== '0404') await company.call('PATCH', `/v1/contacts/${id}`, { phone: desk.nextPhone(digits) });
      await desk.forgetPace();
      const replies = await Promise.all([
        untilServed(() => retry(attendance.id)),
        untilServed(() => company.start({ contact: { id }, channel_id: unofficial_id, text: 'Olá!' })),
        untilServed(() => retry(attendance.id)),
      ]);
      const said = replies.map(({ status, body }) => (status < 300 ? 'goes' : body.code));
      for (const one of said) outcomes.add(one);
      const active = await service.db('attendances').where({ contact_id: id }).whereIn('status', ['starting', 'open']);
      t.ok(active.length <= 1);
      if (digits === '0001') t.equal(said.filter((one) => one === 'goes').length, 1, said.join());
      for (const { id: each } of [attendance, ...active]) {
        const sequence = (await service.db('events').where({ attendance_id: each })).map(
          (one) => one.attendance_sequence,
        );
        t.same(
          sequence.toSorted((one, other) => one - other),
          sequence.map((_, place) => place + 1),
        );
      }
    }
    const known = ['goes', 'attendance_already_open', 'attendance_not_failed', 'start_contended'];
    t.same(
      [...outcomes].filter((one) => !known.includes(one)),
      [],
      `${[...outcomes].join()}`,
    );
  }
});
