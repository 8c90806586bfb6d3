import t, { type Test } from 'tap';
import { sweepDoubts } from '../../../src/features/attendances/sweep-doubts.ts';
import { addChannel } from '../../support/add-channel.ts';
import { assertTold, createDesk, public_url } from '../../support/attendances.ts';
import { lostOutcomeOf, outcomeOf } from '../../support/queue.ts';
import { startService } from '../../support/service.ts';

// Nothing is sent but by hand, and time passes by changing what is written.
const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const company = await service.createCompany();
const desk = createDesk(service, company);
const sweep = () => sweepDoubts(ctx, public_url);
const doubt = ['attendance.started', 'message.unknown'];
const day_min = 24 * 60;

/** A channel with a policy of its own. */
async function channelWith(on_unknown: string): Promise<string> {
  const id = await addChannel(company, service.simulator.url);
  await db('channels').where({ id }).update({ on_unknown });
  return id;
}

/** An attendance of the channel whose first message became `unknown` so many minutes ago. */
async function doubted(channel_id: string, age_min = 0) {
  const { id, first_message, contact } = await desk.start({ channel_id });
  const claimed = await desk.claim(first_message.id);
  await desk.record(outcomeOf(claimed, 'ambiguous'));
  await grow(first_message.id, age_min);
  return { id: String(id), message_id: String(first_message.id), claimed, contact_id: contact.id };
}

/** Makes the doubt so old, and due to be looked at. */
const grow = (id: string, age_min: number) =>
  db('messages')
    .where({ id })
    .update({ unknown_at: db.raw(`now() - make_interval(mins => ?)`, [age_min]), run_at: db.fn.now() });

/** A later message of the channel is accepted, and heard of by a status webhook. */
async function heardOfLater(channel_id: string, fact: 'sent_at' | 'delivered_at' | 'read_at' | null = 'delivered_at') {
  const { first_message } = await desk.start({ channel_id });
  await desk.record(outcomeOf(await desk.claim(first_message.id), 'accepted'));
  if (fact)
    await db('messages')
      .where({ id: first_message.id })
      .update({ [fact]: db.fn.now() });
}

const seesStatus = async (t: Test, message_id: string, status: string) =>
  t.equal((await desk.getMessage(message_id)).status, status);

t.test('sweepDoubts with on_unknown hold', async (t) => {
  const channel_id = await channelWith('hold');
  const { id, message_id } = await doubted(channel_id, 7 * day_min - 1);
  await heardOfLater(channel_id);
  t.equal(await sweep(), 0, 'waits for a person');
  await seesStatus(t, message_id, 'unknown');
  t.same(await db('messages').where({ id: message_id }).where('run_at', '<=', db.fn.now()), [], 'looked at later');

  await grow(message_id, 7 * day_min);
  t.equal(await sweep(), 1, 'after 7 days it is given up');
  const message = await desk.getMessage(message_id);
  t.match(message, { status: 'failed', error: { code: 'presumed_lost' }, failed_at: /Z$/ });
  const decided_by = { policy: 'hold', api_key_id: null, actor: null };
  t.match(message.resolutions, [{ action: 'mark_failed', reason: null, decided_by }]);
  t.equal((await desk.get(id)).status, 'failed');
  const events = await assertTold(t, service, id, [...doubt, 'message.failed', 'attendance.failed']);
  t.same(events[2]?.data, message);
  t.equal(await sweep(), 0, 'once');
});

t.test('sweepDoubts with on_unknown fail: at once, and the attendance can be retried', async (t) => {
  const { id, message_id } = await doubted(await channelWith('fail'));
  t.equal(await sweep(), 1);
  t.match(await desk.getMessage(message_id), { status: 'failed', error: { code: 'presumed_lost' } });
  t.match(await company.post(`/v1/attendances/${id}/retry`), { status: 200, body: { status: 'starting' } });
});

t.test('sweepDoubts with on_unknown resend', async (t) => {
  t.test('not before 15 minutes', async (t) => {
    const channel_id = await channelWith('resend');
    const { message_id } = await doubted(channel_id, 14);
    await heardOfLater(channel_id);
    t.equal(await sweep(), 0);
    await seesStatus(t, message_id, 'unknown');
  });
  t.test('not while nothing is heard of later messages of the channel', async (t) => {
    const channel_id = await channelWith('resend');
    const { message_id } = await doubted(channel_id, 16);
    await heardOfLater(await channelWith('resend'));
    await heardOfLater(channel_id, null);
    t.equal(await sweep(), 0, 'another channel says nothing, nor does an acceptance');
    await seesStatus(t, message_id, 'unknown');
    await heardOfLater(channel_id, 'read_at');
    t.equal(await sweep(), 0, 'not due yet');
    await db('messages').where({ id: message_id }).update({ run_at: db.fn.now() });
    t.equal(await sweep(), 1);
    await seesStatus(t, message_id, 'queued');
  });
  t.test('news of an earlier message prove nothing', async (t) => {
    const channel_id = await channelWith('resend');
    await heardOfLater(channel_id);
    await doubted(channel_id, 16);
    t.equal(await sweep(), 0);
  });
  t.test('once: queued with its whole time, the decision kept; the second doubt is for a person', async (t) => {
    const channel_id = await channelWith('resend');
    const { id, message_id } = await doubted(channel_id, 16);
    await heardOfLater(channel_id, 'sent_at');
    await db('messages')
      .where({ id: message_id })
      .update({ send_before: new Date(0) });
    t.equal(await sweep(), 1);
    const message = await desk.getMessage(message_id);
    const decided_by = { policy: 'resend', api_key_id: null, actor: null };
    t.match(message, { status: 'queued', resolutions: [{ action: 'resend', decided_by }] });
    const claimed = await desk.claim(message_id);
    t.equal(claimed.attempt, 2);
    await desk.record(outcomeOf(claimed, 'ambiguous'));
    await grow(message_id, 60);
    await heardOfLater(channel_id);
    t.equal(await sweep(), 0);
    await seesStatus(t, message_id, 'unknown');
    await assertTold(t, service, id, [...doubt, 'message.unknown']);
  });
  t.test('not into an attendance that was closed, where it is not looked at every second either', async (t) => {
    const channel_id = await channelWith('resend');
    const { id, message_id } = await doubted(channel_id, 16);
    await heardOfLater(channel_id);
    t.equal((await company.post(`/v1/attendances/${id}/close`, { force: true })).status, 200);
    t.equal(await sweep(), 0);
    t.match(await desk.getMessage(message_id), { status: 'unknown', resolutions: [] });
    t.same(await db('messages').where({ id: message_id }).where('run_at', '<=', db.fn.now()), []);
    await grow(message_id, 7 * day_min);
    t.equal(await sweep(), 1, 'but is given up after 7 days');
    await assertTold(t, service, id, [...doubt, 'attendance.closed', 'message.failed']);
  });
  t.test('eight sweeps at once resend once', async (t) => {
    const channel_id = await channelWith('resend');
    const doubts = [await doubted(channel_id), await doubted(channel_id), await doubted(channel_id)];
    await heardOfLater(channel_id);
    for (const { message_id } of doubts) await grow(message_id, 16);
    const counts = await Promise.all(Array.from({ length: 8 }, sweep));
    t.equal(
      counts.reduce((sum, count) => sum + count, 0),
      3,
    );
    for (const { message_id } of doubts) t.equal((await desk.getMessage(message_id)).resolutions.length, 1);
  });
});

t.test('sweepDoubts with on_unknown resend_same_id, where the gateway takes no id of ours: waits', async (t) => {
  const channel_id = await channelWith('resend_same_id');
  const { message_id } = await doubted(channel_id, 60);
  await heardOfLater(channel_id);
  t.equal(await sweep(), 0);
  await seesStatus(t, message_id, 'unknown');
});

t.test('a decision on one doubt does not reach the next one of the same message', async (t) => {
  const { message_id, claimed } = await doubted(company.unofficial_id);
  await company.post(`/v1/messages/${message_id}/resolve`, { action: 'resend' });
  await desk.record(outcomeOf(await desk.claim(message_id), 'ambiguous'));
  for (const kind of ['resend', 'marked_sent', 'marked_failed', 'presumed_lost'] as const)
    t.equal(await desk.record(outcomeOf(claimed, kind, { fence: null, send_within_s: 60 })), 0, kind);
  await seesStatus(t, message_id, 'unknown');
});

t.test('a late answer of the doubted attempt', async (t) => {
  const resolve = (id: string, action: string) => company.post(`/v1/messages/${id}/resolve`, { action });
  t.test('accepted while a resend waits: settled, open, and not sent again', async (t) => {
    const { id, message_id, claimed } = await doubted(company.unofficial_id);
    await resolve(message_id, 'resend');
    t.equal(await desk.record(outcomeOf(claimed, 'accepted')), 1);
    t.match(await desk.getMessage(message_id), { status: 'accepted', attempts: [{ number: 1 }], error: null });
    t.same(await db('messages').where({ id: message_id, state: 'queued' }), [], 'nobody can claim it');
    await assertTold(t, service, id, [...doubt, 'message.accepted', 'attendance.opened']);
  });
  t.test('accepted while the resend is in the air: the resend decides', async (t) => {
    const { message_id, claimed } = await doubted(company.unofficial_id);
    await resolve(message_id, 'resend');
    const again = await desk.claim(message_id);
    t.equal(await desk.record(outcomeOf(claimed, 'accepted')), 0);
    t.equal(await desk.record(outcomeOf(again, 'accepted')), 1);
    await seesStatus(t, message_id, 'accepted');
  });
  for (const kind of ['refused', 'ambiguous', 'unavailable'] as const) {
    t.test(`${kind} while a resend waits: the resend goes on`, async (t) => {
      const { message_id, claimed } = await doubted(company.unofficial_id);
      await resolve(message_id, 'resend');
      t.equal(await desk.record(outcomeOf(claimed, kind)), 0);
      await seesStatus(t, message_id, 'queued');
    });
  }
  t.test('accepted after mark_failed: accepted_at is kept, and it stays failed until more is known', async (t) => {
    const { id, message_id, claimed } = await doubted(company.unofficial_id);
    await resolve(message_id, 'mark_failed');
    t.equal(await desk.record(outcomeOf(claimed, 'accepted')), 1);
    const message = await desk.getMessage(message_id);
    t.match(message, { status: 'failed', accepted_at: /Z$/, error: { code: 'marked_failed' } });
    t.equal((await desk.get(id)).status, 'failed');
    await assertTold(t, service, id, [...doubt, 'message.failed', 'attendance.failed', 'message.accepted']);
  });
  t.test('accepted after mark_sent: accepted_at is kept, and it stays sent', async (t) => {
    const { message_id, claimed } = await doubted(company.unofficial_id);
    await resolve(message_id, 'mark_sent');
    t.equal(await desk.record(outcomeOf(claimed, 'accepted')), 1);
    t.match(await desk.getMessage(message_id), { status: 'sent', accepted_at: /Z$/, error: null });
    t.equal(await desk.record(outcomeOf(claimed, 'accepted')), 0, 'once');
  });
  t.test('of a lease that had passed: the attempt tells what became of it', async (t) => {
    const { first_message } = await desk.start();
    const claimed = await desk.claim(first_message.id);
    await db('messages')
      .where({ id: claimed.id })
      .update({ lease_until: db.raw(`now() - interval '1 second'`) });
    await desk.record(lostOutcomeOf(claimed));
    await resolve(first_message.id, 'mark_failed');
    await desk.record(outcomeOf(claimed, 'accepted'));
    t.match(await desk.getMessage(first_message.id), { attempts: [{ outcome: 'accepted' }], status: 'failed' });
  });
});

t.test('a resend that waits when its person is erased is given up as a doubt, and is not called unsent', async (t) => {
  const { id, message_id, contact_id } = await doubted(await channelWith('hold'));
  const resolve = company.post(`/v1/messages/${message_id}/resolve`, { action: 'resend' });
  t.match(await resolve, { status: 200, body: { status: 'queued' } });
  t.match(await company.call('DELETE', `/v1/contacts/${contact_id}`), { status: 204 });
  t.match(await desk.getMessage(message_id), { status: 'failed', error: { code: 'contact_erased' } });
  t.equal((await desk.get(id)).status, 'closed');
  await assertTold(t, service, id, [...doubt, 'message.failed', 'attendance.closed']);
});
