import t from 'tap';
import { v7 as uuid } from 'uuid';
import { assertTold, createDesk, twins, waiting } from '../../support/attendances.ts';
import { allSent, assertRefused } from '../../support/refusal.ts';
import { type Body, startService, untilServed } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const desk = createDesk(service, company);
const pathOf = (id: string) => `/v1/messages/${id}/resolve`;
const resolve = (id: string, body: unknown, headers = {}) => company.post(pathOf(id), body, headers);

/** An attendance whose first message may have been sent: `0498` was, `0499` was not. */
async function doubted(type: 'official' | 'unofficial' = 'unofficial', digits = '0499') {
  const phone = desk.nextPhone(digits);
  const made = await (type === 'official' ? desk.startOfficial : desk.start)({ contact: { phone } }, waiting);
  if (made.first_message.status !== 'unknown') throw new Error(JSON.stringify(made.first_message));
  await desk.forgetPace();
  return { phone, id: String(made.id), message_id: String(made.first_message.id), contact_id: made.contact.id };
}
const doubt = ['attendance.started', 'message.unknown'];

t.test('POST /v1/messages/{message_id}/resolve with resend', async (t) => {
  for (const type of ['official', 'unofficial'] as const) {
    t.test(`sends the same again on an ${type} channel, and keeps who decided and why`, async (t) => {
      const { phone, id, message_id } = await doubted(type, '0498');
      const actor = { id: 'agent-7', name: 'Bia' };
      const { status, headers, body } = await resolve(message_id, { action: 'resend', reason: 'Ana sem nada', actor });
      t.equal(status, 200);
      t.equal(headers.location, `/v1/messages/${message_id}`);
      t.match(body, { id: message_id, status: 'queued', attempts: [{ outcome: 'ambiguous' }] });
      const keys = await service.db('api_keys').where({ account_id: company.account_id }).select('id');
      const decided_by = { policy: null, api_key_id: keys[0]?.id, actor };
      t.match(body.resolutions, [{ action: 'resend', reason: 'Ana sem nada', decided_by, at: /Z$/ }]);
      t.equal(body.resolutions.length, 1);
      await allSent(service);
      const [first, second, ...more] = await desk.sentTo(phone);
      t.same(more, []);
      t.same(second?.template ?? second?.text, first?.template ?? first?.text);
      if (type === 'official') t.not(second?.correlator, first?.correlator, 'under a correlator of its own');
      const message = await desk.getMessage(message_id);
      t.match(message, { status: 'unknown', attempts: [{ number: 1 }, { number: 2, outcome: 'ambiguous' }] });
      await assertTold(t, service, id, [...doubt, 'message.unknown']);
    });
  }
  t.test('an accepted resend opens the attendance; Prefer: wait shows it', async (t) => {
    const { id, message_id } = await doubted();
    await service
      .db('messages')
      .where({ id: message_id })
      .update({ recipient_kind: 'phone', recipient: `+55${desk.nextPhone()}` });
    const { headers, body } = await resolve(message_id, { action: 'resend' }, waiting);
    t.equal(headers['preference-applied'], 'wait=20');
    t.match(body, { status: 'accepted', error: null, resolutions: [{ reason: null, decided_by: { actor: null } }] });
    t.match(await desk.get(id), { status: 'open', first_message: { id: message_id, status: 'accepted' } });
    await assertTold(t, service, id, [...doubt, 'message.accepted', 'attendance.opened']);
  });
  t.test('has its whole time to be sent again', async (t) => {
    const { message_id } = await doubted();
    await service
      .db('messages')
      .where({ id: message_id })
      .update({ send_before: new Date(Date.now() - 60_000) });
    t.match(await resolve(message_id, { action: 'resend' }, waiting), { body: { status: 'unknown', error: {} } });
    t.equal((await desk.getMessage(message_id)).attempts.length, 2);
  });
  for (const keyed of [true, false]) {
    t.test(`16 at once ${keyed ? 'under one key' : 'without a key'} resend once`, async (t) => {
      const { phone, message_id } = await doubted();
      const body = { action: 'resend' };
      const replies = keyed
        ? await twins(company, 16, pathOf(message_id), body, uuid())
        : await Promise.all(Array.from({ length: 16 }, () => untilServed(() => resolve(message_id, body))));
      const statuses = replies.map(({ status }) => status).toSorted();
      t.same(statuses, keyed ? Array(16).fill(200) : [200, ...Array(15).fill(409)]);
      if (keyed) t.equal(new Set(replies.map(({ text }) => text)).size, 1);
      await allSent(service);
      t.equal((await desk.sentTo(phone)).length, 2);
      t.equal((await desk.getMessage(message_id)).resolutions.length, 1);
    });
  }
});

t.test('POST /v1/messages/{message_id}/resolve with mark_sent: sent, the attendance open, nothing sent', async (t) => {
  const { phone, id, message_id } = await doubted();
  const { body } = await resolve(message_id, { action: 'mark_sent', reason: 'Ana respondeu' });
  t.match(body, { status: 'sent', error: null, sent_at: /Z$/, accepted_at: null, failed_at: null });
  t.match(body.resolutions, [{ action: 'mark_sent', reason: 'Ana respondeu' }]);
  t.match(await desk.get(id), { status: 'open', first_message: { status: 'sent' } });
  const events = await assertTold(t, service, id, [...doubt, 'message.sent', 'attendance.opened']);
  t.same(events[2]?.data, body);
  t.same(events[3]?.data, await desk.get(id));
  t.equal((await desk.sentTo(phone)).length, 1);
});

t.test(
  'POST /v1/messages/{message_id}/resolve with mark_failed: failed, with its attendance, to be retried',
  async (t) => {
    const { phone, id, message_id, contact_id } = await doubted();
    const { body } = await resolve(message_id, { action: 'mark_failed' });
    t.match(body, { status: 'failed', failed_at: /Z$/, error: { code: 'marked_failed', retryable: false } });
    t.ok(body.error.detail.length > 20);
    t.equal(body.error.provider.name, 'evolution', 'with what the provider had said');
    t.match(await desk.get(id), { status: 'failed', first_message: { error: { code: 'marked_failed' } } });
    const events = await assertTold(t, service, id, [...doubt, 'message.failed', 'attendance.failed']);
    t.same(events[2]?.data, body);
    t.equal((await desk.sentTo(phone)).length, 1);
    await company.call('PATCH', `/v1/contacts/${contact_id}`, { phone: desk.nextPhone() });
    t.match(await company.post(`/v1/attendances/${id}/retry`, {}, waiting), { body: { status: 'open' } });
  },
);

t.test('POST /v1/messages/{message_id}/resolve of a later message leaves the attendance as it is', async (t) => {
  const { id, message_id } = await doubted();
  await resolve(message_id, { action: 'mark_sent' });
  const { body: later } = await company.post(`/v1/attendances/${id}/messages`, { text: 'Ainda aí?' }, waiting);
  t.equal(later.status, 'unknown');
  t.match(await resolve(later.id, { action: 'mark_failed' }), { status: 200, body: { status: 'failed' } });
  t.equal((await desk.get(id)).status, 'open');
});

t.test('POST /v1/messages/{message_id}/resolve is refused, and nothing is saved', async (t) => {
  const pointer = ':message_id';
  const actions = ['resend', 'mark_sent', 'mark_failed'];
  const states: [string, () => Promise<Body>][] = [
    ['accepted', () => desk.start({}, waiting)],
    ['failed', () => desk.start({ contact: { phone: desk.nextPhone('0404') } }, waiting)],
    ['queued', () => desk.startOfficial({ contact: { phone: desk.nextPhone('0430') } })],
  ];
  for (const [status, make] of states) {
    t.test(`of one that is ${status}: 409`, async (t) => {
      const { id, first_message } = await make();
      for (const action of actions) {
        const { body } = await resolve(first_message.id, { action });
        // A failed first message takes its attendance with it: nothing can be sent in that.
        const is_over = status === 'failed' && action === 'resend';
        t.match(body, { status: 409, code: is_over ? 'attendance_not_open' : 'message_not_unknown' });
      }
      t.same((await desk.getMessage(first_message.id)).resolutions, []);
      // So that what waits in the queue is not tried while others count rows.
      await company.post(`/v1/attendances/${id}/close`, { force: true });
      await allSent(service);
    });
  }
  t.test('of one of nobody: 404 message_not_found', async (t) => {
    const missing = { status: 404, code: 'message_not_found', pointer };
    await assertRefused(t, service, () => resolve(uuid(), { action: 'resend' }), missing);
  });
  t.test('resend in a closed attendance: 409 attendance_not_open; the others settle it', async (t) => {
    for (const [action, status] of [
      ['mark_sent', 'sent'],
      ['mark_failed', 'failed'],
    ] as const) {
      const { id, message_id } = await doubted();
      await company.post(`/v1/attendances/${id}/close`, { force: true });
      const over = { status: 409, code: 'attendance_not_open', pointer };
      await assertRefused(t, service, () => resolve(message_id, { action: 'resend' }), over);
      t.match(await resolve(message_id, { action }), { status: 200, body: { status } });
      t.equal((await desk.get(id)).status, 'closed');
      await assertTold(t, service, id, [...doubt, 'attendance.closed', `message.${status}`]);
    }
  });
  t.test('an action that there is not: 400', async (t) => {
    const { message_id } = await doubted();
    for (const body of [{}, { action: 'forget' }, undefined, { action: 'resend', why: 'x' }])
      t.match(await resolve(message_id, body), { status: 400 });
  });
});
