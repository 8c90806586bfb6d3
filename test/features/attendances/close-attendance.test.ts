import t from 'tap';
import { v7 as uuid } from 'uuid';
import { assertTold, createDesk, eventsOf, twins } from '../../support/attendances.ts';
import { outcomeOf, queueMessages } from '../../support/queue.ts';
import { allSent, assertRefused } from '../../support/refusal.ts';
import { type Body, eventually, startService, untilServed } from '../../support/service.ts';

// What becomes of a message is decided by hand here; the lanes start for the race at the end.
const service = await startService(t, { with_lanes: false });
const { db } = service;
const company = await service.createCompany();
const desk = createDesk(service, company);
const pathOf = (id: string) => `/v1/attendances/${id}/close`;
const close = (id: string, body?: unknown) => company.post(pathOf(id), body);

/** An attendance whose first message was accepted. */
async function opened(): Promise<Body> {
  const attendance = await desk.start();
  const claimed = await desk.claim(attendance.first_message.id);
  await desk.record(outcomeOf(claimed, 'accepted'));
  return attendance;
}
const send = async (id: string, text: string): Promise<Body> =>
  (await company.post(`/v1/attendances/${id}/messages`, { text })).body;
const statusesOf = async (id: string) => (await desk.messagesOf(id)).map(({ status }) => status);

t.test('POST /v1/attendances/{attendance_id}/close', async (t) => {
  t.test('an open one: closed, with the reason given, and the contact is free for a new one', async (t) => {
    const { id, contact } = await opened();
    const { status, headers, body } = await close(id, { reason: 'resolved' });
    t.equal(status, 200);
    t.equal(headers.location, `/v1/attendances/${id}`);
    t.match(body, { id, status: 'closed', close_reason: 'resolved', first_message: { status: 'accepted' } });
    t.match(body.closed_at, /Z$/);
    t.same(await desk.get(id), body);
    const types = ['attendance.started', 'message.accepted', 'attendance.opened', 'attendance.closed'];
    const events = await assertTold(t, service, id, types);
    t.same(events.at(-1)?.data, body, 'told as it was answered');
    t.equal((await desk.start({ contact: { id: contact.id } })).outcome.attendance, 'created');
  });
  t.test('what is queued is cancelled first, each told with its own event', async (t) => {
    const { id, first_message } = await opened();
    const later = [await send(id, 'Um'), await send(id, 'Dois'), await send(id, 'Três')];
    const { body } = await close(id, {});
    t.equal(body.close_reason, null);
    t.same(await statusesOf(id), ['accepted', 'cancelled', 'cancelled', 'cancelled']);
    const cancelled = later.map(() => 'message.cancelled');
    const types = ['attendance.started', 'message.accepted', 'attendance.opened', ...cancelled, 'attendance.closed'];
    const events = await assertTold(t, service, id, types);
    const shown = await Promise.all(later.map((one) => desk.getMessage(one.id)));
    t.same(
      events.slice(3, 6).map(({ data }) => data),
      shown,
      'oldest first, as they are shown',
    );
    t.equal(body.first_message.id, first_message.id);
  });
  t.test('one that is starting, its first message still queued: both are over', async (t) => {
    const { id } = await desk.start();
    const { body } = await close(id, null);
    t.match(body, { status: 'closed', first_message: { status: 'cancelled' } });
    await assertTold(t, service, id, ['attendance.started', 'message.cancelled', 'attendance.closed']);
  });
  t.test('16 twins under one key: closed once, equal answers', async (t) => {
    const { id } = await opened();
    const replies = await twins(company, 16, pathOf(id), { reason: 'resolved' }, uuid());
    t.same([...new Set(replies.map(({ status }) => status))], [200]);
    t.equal(new Set(replies.map(({ text }) => text)).size, 1);
    t.equal((await eventsOf(service, id)).filter(({ type }) => type === 'attendance.closed').length, 1);
  });
  t.test('16 at once without a key: one closes it, the others find it closed', async (t) => {
    const { id } = await opened();
    const replies = await Promise.all(Array.from({ length: 16 }, () => untilServed(() => close(id))));
    t.same(replies.map(({ status }) => status).toSorted(), [200, ...Array.from({ length: 15 }, () => 409)]);
  });
});

t.test('POST /v1/attendances/{attendance_id}/close is refused, and nothing is saved', async (t) => {
  const pointer = ':attendance_id';
  t.test('one of nobody: 404; one that is over: 409 attendance_not_open', async (t) => {
    const missing = { status: 404, code: 'attendance_not_found', pointer };
    await assertRefused(t, service, () => close(uuid()), missing);
    const { id } = await opened();
    await close(id);
    const over = { status: 409, code: 'attendance_not_open', pointer };
    t.match(await assertRefused(t, service, () => close(id, { force: true }), over), { body: { detail: /closed/ } });
  });
  for (const doubt of ['sending', 'unknown'] as const) {
    t.test(`while a message is ${doubt}: 409 message_in_doubt, which names it, and the queue stays`, async (t) => {
      const { id, first_message } = await desk.start();
      const claimed = await desk.claim(first_message.id);
      if (doubt === 'unknown') await desk.record(outcomeOf(claimed, 'ambiguous'));
      await send(id, 'Ainda aí?');
      const refused = { status: 409, code: 'message_in_doubt', pointer };
      const { body } = await assertRefused(t, service, () => close(id), refused);
      t.same(body.message_ids, [first_message.id]);
      await assertRefused(t, service, () => close(id, { force: false }), refused);
      t.same(await statusesOf(id), [doubt, 'queued']);
      t.equal((await close(id, { force: true })).status, 200);
      t.same(await statusesOf(id), [doubt, 'cancelled']);
    });
  }
});

t.test('after a forced close', async (t) => {
  const inTheAir = async () => {
    const { id, first_message } = await desk.start();
    const claimed = await desk.claim(first_message.id);
    t.equal((await close(id, { force: true })).status, 200);
    return { id, claimed, message_id: first_message.id };
  };
  const told = ['attendance.started', 'attendance.closed'];
  for (const kind of ['unavailable', 'given_back'] as const) {
    t.test(`a message that comes back ${kind} is cancelled, and never sent again`, async (t) => {
      const { id, claimed, message_id } = await inTheAir();
      t.equal(await desk.record(outcomeOf(claimed, kind, { run_in_ms: 0 })), 1);
      const message = await desk.getMessage(message_id);
      t.match(message, { status: 'cancelled', attempts: [{ outcome: kind }] });
      const events = await assertTold(t, service, id, [...told, 'message.cancelled']);
      t.same(events.at(-1)?.data, message);
      const queued = await db('messages').where({ id: message_id }).whereIn('state', ['queued', 'sending']);
      t.same(queued, []);
    });
  }
  const facts = [
    ['accepted', 'accepted', 'message.accepted'],
    ['refused', 'failed', 'message.failed'],
    ['ambiguous', 'unknown', 'message.unknown'],
  ] as const;
  for (const [kind, status, type] of facts) {
    t.test(`a message that is ${kind} is shown as that; the attendance stays closed`, async (t) => {
      const { id, claimed, message_id } = await inTheAir();
      await desk.record(outcomeOf(claimed, kind));
      t.equal((await desk.getMessage(message_id)).status, status);
      t.match(await desk.get(id), { status: 'closed', first_message: { status } });
      await assertTold(t, service, id, [...told, type]);
    });
  }
  t.test(
    'a resend that waits is a doubt still: force alone closes, and what is found out later is shown',
    async (t) => {
      const { id, first_message } = await desk.start();
      const claimed = await desk.claim(first_message.id);
      await desk.record(outcomeOf(claimed, 'ambiguous'));
      await company.post(`/v1/messages/${first_message.id}/resolve`, { action: 'resend' });
      const extra = { code: 'message_in_doubt', message_ids: [first_message.id] };
      t.match(await close(id), { status: 409, body: extra });
      t.match(await close(id, { force: true }), { status: 200, body: { first_message: { status: 'unknown' } } });
      t.match(await desk.getMessage(first_message.id), {
        status: 'unknown',
        error: { code: 'provider_answer_lost' },
      });
      const types = ['attendance.started', 'message.unknown', 'message.unknown', 'attendance.closed'];
      await assertTold(t, service, id, types);
      t.equal(await desk.record(outcomeOf(claimed, 'accepted')), 1);
      t.same(await statusesOf(id), ['accepted']);
      t.equal((await desk.get(id)).status, 'closed');
    },
  );
});

t.test(
  'close against dispatch: every message is sent or cancelled, never both, and nobody is locked out',
  async (t) => {
    await allCancelled();
    const place = { account_id: company.account_id, channel_id: company.unofficial_id };
    const message_ids = await queueMessages(db, place, 60, { from: 1_000, each: 2 });
    const rows = await db('messages').whereIn('id', message_ids).select('id', 'attendance_id');
    const attendance_ids = [...new Set(rows.map((row) => row.attendance_id))];
    service.startLanes();
    const closeUntilItIs = (id: string, force: boolean) =>
      eventually(
        () => untilServed(() => close(id, { force })),
        ({ status, body }) => {
          t.ok(status === 200 || body.code === 'message_in_doubt', `${status} ${body.code}`);
          return status === 200;
        },
      );
    await Promise.all(
      attendance_ids.map(async (id, place_in_line) => {
        // In step with the dispatch: the next closes begin when so many messages have been claimed.
        await eventually(
          async () => Number((await db('attempts').count('* as n').first())?.n ?? 0),
          (claimed) => claimed >= Math.min(place_in_line, 30),
        );
        await closeUntilItIs(id, place_in_line % 2 === 0);
      }),
    );
    await allSent(service);
    const counts = { sent: 0, cancelled: 0 };
    for (const { id } of rows) {
      const { status, attempts } = await desk.getMessage(id);
      t.ok(['accepted', 'cancelled'].includes(status), status);
      counts[status === 'cancelled' ? 'cancelled' : 'sent'] += 1;
      if (status === 'cancelled')
        t.same(
          attempts.filter(({ outcome }: Body) => outcome === 'accepted'),
          [],
        );
    }
    const received = (await service.received()).filter(({ text }) => text === 'Olá!');
    t.equal(received.length, counts.sent, 'the provider has those that were sent, once each');
    t.ok(counts.sent > 0 && counts.cancelled > 0, `a race it was: ${JSON.stringify(counts)}`);
    for (const id of attendance_ids) {
      const events = await eventsOf(service, id);
      t.same(
        events.map((one) => one.attendance_sequence),
        events.map((_, place_in_line) => place_in_line + 1),
      );
      t.equal(events.filter(({ type }) => type === 'attendance.closed').length, 1);
    }
  },
);

/** So that only the messages of the race are left to send. */
async function allCancelled() {
  await db('messages').whereIn('state', ['queued', 'sending', 'unknown']).update({ state: 'cancelled' });
  await fetch(`${service.simulator.url}/_received`, { method: 'DELETE' });
}
