import t from 'tap';
import { v7 as uuid } from 'uuid';
import { lockPeople } from '../../../src/features/contacts/people.repository.ts';
import { eventually, type Reply, startService, untilServed } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const atOnce = (count: number, ask: (n: number) => Promise<Reply>) =>
  Promise.all(Array.from({ length: count }, (_, n) => untilServed(() => ask(n))));
/** How often each status and code was answered. */
function countBy(replies: Reply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of replies) {
    const said = status < 300 ? String(status) : `${status} ${body.code}`;
    counts[said] = (counts[said] ?? 0) + 1;
  }
  return counts;
}
const rowsOf = (table: string, where: Record<string, unknown>) => service.db(table).where(where).select('id');
/** Settles what was queued, then says what the provider got. */
async function sentTo(phone: string, contact_id: string) {
  await eventually(
    () => service.db('messages').where({ contact_id }).whereIn('state', ['queued', 'sending']).select('id'),
    (left) => left.length === 0,
  );
  return service.received(`?to=55${phone}`);
}

t.test(
  '50 starts at once for one contact: one 201, 49 refusals that name it, one attendance, one message',
  async (t) => {
    const phone = '31988880001';
    const { body: contact } = await company.post('/v1/contacts', { phone });
    const replies = await atOnce(50, () => company.start({ contact: { id: contact.id } }));
    t.same(countBy(replies), { 201: 1, '409 attendance_already_open': 49 });
    const [attendance] = await rowsOf('attendances', { contact_id: contact.id });
    t.same(new Set(replies.map(({ body }) => body.attendance?.id ?? body.id)), new Set([attendance?.id]));
    t.equal((await rowsOf('attendances', { contact_id: contact.id })).length, 1);
    t.equal((await rowsOf('messages', { contact_id: contact.id })).length, 1);
    t.equal((await sentTo(phone, contact.id)).length, 1);
  },
);

t.test(
  '50 starts at once for a number nobody has, in both forms, over two channels: one contact, two attendances',
  async (t) => {
    const forms = ['(31) 98888-0002', '3188880002', '+55 31 98888-0002', '5531 8888 0002'];
    const replies = await atOnce(50, (n) => {
      const contact = { phone: forms[n % forms.length] };
      return n % 8 < 4
        ? company.start({ contact })
        : company.start({ contact, channel_id: company.unofficial_id, text: 'Olá!' });
    });
    t.same(countBy(replies), { 201: 2, '409 attendance_already_open': 48 });
    const contacts = await rowsOf('contacts', { account_id: company.account_id, phone_key: '+5531988880002' });
    t.equal(contacts.length, 1);
    const contact_id = contacts[0]?.id;
    t.equal((await rowsOf('attendances', { contact_id })).length, 2);
    t.equal((await rowsOf('messages', { contact_id })).length, 2);
    const created = replies.filter(({ body }) => body.outcome?.contact === 'created');
    t.equal(created.length, 1, 'one of the two says that it made the contact');
    t.equal((await rowsOf('events', { contact_id, type: 'contact.created' })).length, 1);
    t.same((await sentTo('31988880002', contact_id)).map(({ protocol }) => protocol).toSorted(), [
      'evolution',
      'graph',
    ]);
  },
);

t.test('50 starts at once with on_open reuse: one attendance, and every message is in it', async (t) => {
  const contact = { phone: '31988880003' };
  const replies = await atOnce(50, (n) =>
    company.start({ contact, channel_id: company.unofficial_id, on_open: 'reuse', text: `Olá ${n}` }),
  );
  t.same(countBy(replies), { 200: 49, 201: 1 });
  t.equal(new Set(replies.map(({ body }) => body.id)).size, 1);
  const id = replies[0]?.body.id;
  t.equal((await rowsOf('messages', { attendance_id: id })).length, 50);
  t.equal(new Set(replies.map(({ body }) => body.outcome.message_id)).size, 50);
  // The pace of one recipient would keep the others waiting for minutes.
  await service.db('messages').where({ attendance_id: id, state: 'queued' }).delete();
});

t.test('32 twins with one Idempotency-Key: one attendance, one message, one answer', async (t) => {
  const phone = '31988880004';
  const headers = { 'idempotency-key': uuid() };
  const twins = await atOnce(32, () => company.start({ contact: { phone } }, headers));
  const answered = twins.filter(({ status }) => status === 201);
  const waiting = twins.filter(({ status }) => status !== 201);
  t.same(
    waiting.filter(({ status, body }) => status !== 409 || body.code !== 'idempotency_in_progress'),
    [],
  );
  t.equal(new Set(answered.map(({ text }) => text)).size, 1, 'the same bytes');
  t.equal(new Set(answered.map((reply) => reply.headers.location)).size, 1);
  const fresh = answered.filter((reply) => reply.headers['idempotent-replayed'] === undefined);
  t.equal(fresh.length, 1, 'all but one say that they are a replay');
  const contact_id = answered[0]?.body.contact.id;
  for (const table of ['attendances', 'messages']) t.equal((await rowsOf(table, { contact_id })).length, 1, table);
  t.equal((await sentTo(phone, contact_id)).length, 1);
});

t.test('32 twins that write into an open attendance: one message', async (t) => {
  const contact = { phone: '31988880005' };
  const { body: open } = await company.start({ contact, channel_id: company.unofficial_id });
  const headers = { 'idempotency-key': uuid() };
  const again = { contact, channel_id: company.unofficial_id, on_open: 'reuse', text: 'Olá!' };
  const twins = await atOnce(32, () => company.start(again, headers));
  const answered = twins.filter(({ status }) => status === 200);
  t.ok(twins.every(({ status, body }) => status === 200 || body.code === 'idempotency_in_progress'));
  t.equal(new Set(answered.map(({ text }) => text)).size, 1, 'the same bytes');
  t.equal((await rowsOf('messages', { attendance_id: open.id })).length, 1);
});

t.test('32 twins that are refused: one refusal, kept once', async (t) => {
  const headers = { 'idempotency-key': uuid() };
  const contact = { id: uuid() };
  const twins = await atOnce(32, () => company.start({ contact }, headers));
  t.same(countBy(twins), { '404 contact_not_found': 32 });
  t.equal(new Set(twins.map(({ text }) => text)).size, 1, 'the same bytes, request_id and all');
  const fresh = twins.filter((reply) => reply.headers['idempotent-replayed'] === undefined);
  t.equal(fresh.length, 1, 'all but one say that they are a replay');
});

t.test('a start does not wait for what somebody wrote and is being applied to the same contact', async (t) => {
  const { body: contact } = await company.post('/v1/contacts', { phone: '31988880077' });
  const applying = await service.db.transaction();
  const held = await lockPeople({ db: applying, account_id: company.account_id }, [contact.id]);
  t.equal(held.length, 1);
  const { status } = await company.start({ contact: { id: contact.id } });
  await applying.rollback();
  t.equal(status, 201);
});
