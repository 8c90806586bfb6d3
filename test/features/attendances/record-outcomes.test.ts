import t from 'tap';
import { recordOutcomes } from '../../../src/features/attendances/record-outcomes.ts';
import type { AskedWith } from '../../../src/features/channels/channels.repository.ts';
import { type ClaimedMessage, claimMessages } from '../../../src/features/messages/claim.repository.ts';
import type { WrittenOutcome } from '../../../src/features/messages/dispatch.repository.ts';
import { joinEvidence } from '../../../src/features/messages/evidence.repository.ts';
import { createFinisher } from '../../../src/lanes/finisher.ts';
import { lostOutcomeOf, outcomeOf } from '../../support/queue.ts';
import { type Company, eventually, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const company = await service.createCompany();
const public_url = 'http://conversar.test';

let people = 0;
const nextPhone = () => {
  people += 1;
  return `(31) 98888-${String(people).padStart(4, '0')}`;
};

/** A start on the gateway, and its message claimed. */
async function startAndClaim(phone = nextPhone(), over: Record<string, unknown> = {}) {
  const { body, text, status } = await company.start({
    contact: { phone },
    channel_id: company.unofficial_id,
    text: 'Olá!',
    ...over,
  });
  if (status !== 201 && status !== 200) throw new Error(text);
  const message = await claimOf(body.outcome.message_id);
  return { id: String(body.id), message, phone };
}

/** Claims until the message is among the claimed; the pace of its recipient is of no interest here. */
async function claimOf(message_id: string): Promise<ClaimedMessage> {
  await db('attempts').update({ started_at: db.raw(`now() - interval '1 hour'`) });
  const find = async () => (await claimMessages(ctx, 10, 60_000)).claimed.find(({ id }) => id === message_id);
  const message = await eventually(find, (found) => found !== undefined);
  return message as ClaimedMessage;
}

const record = (...written: WrittenOutcome[]) =>
  recordOutcomes(ctx, public_url, { written, learned: [], channel_news: [] });

const timelineOf = async (id: string, owner: Company = company) => {
  const { body } = await owner.get(`/v1/attendances/${id}`);
  return body.timeline.map(({ type, sequence }: { type: string; sequence: number }) => `${sequence} ${type}`);
};
const statusOf = async (id: string) => (await company.get(`/v1/attendances/${id}`)).body.status;

t.test('recordOutcomes', async (t) => {
  t.test('the attendance follows its first message, with an event for each change', async (t) => {
    const cases = [
      { kind: 'accepted', over: {}, status: 'open', events: ['2 message.accepted', '3 attendance.opened'] },
      { kind: 'accepted', over: { is_held: true }, status: 'open', events: ['2 message.held', '3 attendance.opened'] },
      { kind: 'refused', over: {}, status: 'failed', events: ['2 message.failed', '3 attendance.failed'] },
      { kind: 'ambiguous', over: {}, status: 'starting', events: ['2 message.unknown'] },
      { kind: 'unavailable', over: {}, status: 'starting', events: [] },
      { kind: 'given_back', over: {}, status: 'starting', events: [] },
    ] as const;
    for (const { kind, over, status, events } of cases) {
      const { id, message } = await startAndClaim();
      t.equal(await record(outcomeOf(message, kind, over)), 1, kind);
      t.equal(await statusOf(id), status, kind);
      t.same(await timelineOf(id), ['1 attendance.started', ...events], kind);
    }
  });

  t.test(
    'free text that the provider refuses for its window shuts it here, unless the contact wrote right now',
    async (t) => {
      for (const [wrote_s_ago, status] of [
        [3_600, 'expired'],
        [5, 'active'],
      ] as const) {
        const { id, message } = await startAndClaim();
        const window_expires_at = new Date(Date.now() + 24 * 3_600_000 - wrote_s_ago * 1_000);
        await db('attendances').where({ id }).update({ status: 'open', window_expires_at });
        const error = { code: 'service_window_closed', provider: null };
        await record(outcomeOf(message, 'refused', { error }));
        t.match((await company.get(`/v1/attendances/${id}`)).body, { service_window: { status } }, status);
      }
    },
  );

  t.test(
    'what still waits in an attendance that fails is cancelled; what is being sent has its own outcome',
    async (t) => {
      const { id, message } = await startAndClaim();
      const say = async (text: string) => (await company.post(`/v1/attendances/${id}/messages`, { text })).body.id;
      const sending = await claimOf(await say('Tudo bem?'));
      const waiting = [await say('Posso ajudar?'), await say('Até logo!')];
      await record(outcomeOf(message, 'refused'));
      t.equal(await statusOf(id), 'failed');
      const statuses = (await company.get(`/v1/attendances/${id}/messages`)).body.data;
      t.same(
        statuses.map((one: { id: string; status: string }) => [one.id, one.status]),
        [[message.id, 'failed'], [sending.id, 'sending'], ...waiting.map((one) => [one, 'cancelled'])],
      );
      t.same((await timelineOf(id)).slice(1), [
        '2 message.failed',
        '3 attendance.failed',
        '4 message.cancelled',
        '5 message.cancelled',
      ]);
      const told = await db('events')
        .where({ attendance_id: id, type: 'message.cancelled' })
        .orderBy('attendance_sequence');
      for (const [place, one] of waiting.entries()) {
        const { timeline: _, ...view } = (await company.get(`/v1/messages/${one}`)).body;
        t.same(told[place]?.data, view);
      }
      await record(outcomeOf(sending, 'unavailable'));
      t.equal((await company.get(`/v1/messages/${sending.id}`)).body.status, 'cancelled', 'not queued again');
    },
  );

  t.test('what went back to the queue holds back what was said after it in its attendance', async (t) => {
    const other = await startAndClaim();
    const { id, phone, message: first } = await startAndClaim();
    const say = async (text: string) => (await company.post(`/v1/attendances/${id}/messages`, { text })).body.id;
    const before = [await say('Tudo bem?'), await say('Posso ajudar?')];
    const beside = (await company.post(`/v1/attendances/${other.id}/messages`, { text: 'Olá de novo!' })).body.id;
    await record(outcomeOf(first, 'unavailable', { run_in_ms: 60_000 }), outcomeOf(other.message, 'accepted'));
    const after = await say('Até logo!');
    const reuse = { contact: { phone }, channel_id: company.unofficial_id, text: 'Mais uma', on_open: 'reuse' };
    const reused = (await company.start(reuse)).body.outcome.message_id;
    const queue = [first.id, ...before, after, reused];
    const due = await db('messages').whereIn('id', queue).orderBy('run_at').orderBy('id').select('id');
    t.same(
      due.map((one) => one.id),
      queue,
      'in their order',
    );
    const claimNow = async () => {
      await db('attempts').update({ started_at: db.raw(`now() - interval '1 hour'`) });
      return (await claimMessages(ctx, 10, 60_000)).claimed.map((one) => one.id);
    };
    t.same(
      (await claimNow()).filter((one) => queue.includes(one) || one === beside),
      [beside],
      'no other waits',
    );
    await db('messages')
      .whereIn('id', queue)
      .update({ run_at: db.raw(`run_at - interval '2 minutes'`) });
    for (const next of queue) {
      const claimed = await eventually(claimNow, (ids) => ids.some((one) => queue.includes(one)));
      t.same(
        claimed.filter((one) => queue.includes(one)),
        [next],
      );
    }
  });

  t.test('nobody waits for what will not be sent any more', async (t) => {
    const { id, message: first } = await startAndClaim();
    const say = async () => (await company.post(`/v1/attendances/${id}/messages`, { text: 'Tudo bem?' })).body.id;
    const before = await say();
    const send_before = new Date(Date.now() + 60_000);
    await db('messages').where({ id: first.id }).update({ send_before });
    await record(outcomeOf(first, 'unavailable', { run_in_ms: 3_600_000 }));
    for (const later of [before, await say()]) {
      const { run_at } = await db('messages').where({ id: later }).first('run_at');
      const after_ms = run_at.getTime() - send_before.getTime();
      t.ok(after_ms >= 0 && after_ms <= 10, `${after_ms} ms after it`);
    }
  });

  t.test('events carry what REST answers', async (t) => {
    const { id, message } = await startAndClaim();
    await record(outcomeOf(message, 'accepted'));
    const events = await db('events').where({ attendance_id: id }).orderBy('attendance_sequence');
    const { timeline: told, ...shown } = (await company.get(`/v1/messages/${message.id}`)).body;
    t.same(events[1]?.data, shown);
    t.match(told, [{ type: 'message.accepted', sequence: 2 }]);
    const { timeline: _, ...attendance } = (await company.get(`/v1/attendances/${id}`)).body;
    t.same(events[2]?.data, attendance);
  });

  t.test('what may be said so often of one message is final then, whatever else was said in between', async (t) => {
    const said = (code: string) => ({
      error: { code: 'provider_unavailable', provider: { name: 'x', code, message: null, trace_id: null } },
      run_in_ms: 0,
    });
    const { id, message: first } = await startAndClaim();
    await record(outcomeOf(first, 'unavailable', { ...said('1'), most_tries: 2 }));
    await record(outcomeOf(await claimOf(first.id), 'unavailable', said('4')));
    await record(outcomeOf(await claimOf(first.id), 'given_back'));
    t.equal(await statusOf(id), 'starting');
    await record(outcomeOf(await claimOf(first.id), 'unavailable', { ...said('1'), most_tries: 2 }));
    t.equal(await statusOf(id), 'failed');
    const { body } = await company.get(`/v1/messages/${first.id}`);
    t.match(body, { status: 'failed', error: { code: 'provider_unavailable', provider: { code: '1' } } });
    const outcomes = body.attempts.map(({ outcome }: { outcome: string }) => outcome);
    t.same(outcomes, ['unavailable', 'unavailable', 'given_back', 'refused']);
  });

  t.test('a doubt before it stays one when a repeat was tried often enough', async (t) => {
    const error = { code: 'provider_unavailable', provider: { name: 'x', code: '1', message: null, trace_id: null } };
    const { id, message: first } = await startAndClaim();
    await record(outcomeOf(first, 'ambiguous'));
    await company.post(`/v1/messages/${first.id}/resolve`, { action: 'resend' });
    await record(outcomeOf(await claimOf(first.id), 'unavailable', { error, run_in_ms: 0, most_tries: 2 }));
    await record(outcomeOf(await claimOf(first.id), 'unavailable', { error, run_in_ms: 0, most_tries: 2 }));
    t.match((await company.get(`/v1/messages/${first.id}`)).body, { status: 'unknown', failed_at: null });
    t.equal(await statusOf(id), 'starting');
  });

  t.test('what was learned with other credentials, or at another address, says nothing of the channel', async (t) => {
    const other = await service.createCompany();
    const { account_id, unofficial_id: channel_id } = other;
    const row = await db('channels').where({ id: channel_id }).first();
    const { credentials, base_url } = row as { credentials: Buffer; base_url: string };
    const tell = (asked_with: AskedWith) =>
      recordOutcomes(ctx, public_url, {
        ...{ written: [], learned: [] },
        channel_news: [{ account_id, channel_id, status: 'disconnected', detail: '401', asked_with }],
      });
    const status = async () => (await other.get(`/v1/channels/${channel_id}`)).body.status;
    const before = await status();
    await tell({ credentials: Buffer.from('old'), base_url });
    await tell({ credentials, base_url: 'https://old.example' });
    t.equal(await status(), before);
    await tell({ credentials, base_url });
    t.equal(await status(), 'disconnected');
  });

  t.test('a stale fence changes nothing and tells nothing', async (t) => {
    const { id, message } = await startAndClaim();
    t.equal(await record(outcomeOf({ ...message, fence: message.fence - 1 }, 'accepted')), 0);
    t.equal(await statusOf(id), 'starting');
    t.same(await timelineOf(id), ['1 attendance.started']);
  });

  t.test('a doubt that is settled later: two events, no gap', async (t) => {
    const { id, message } = await startAndClaim();
    await db('messages')
      .where({ id: message.id })
      .update({ lease_until: db.raw(`now() - interval '1 second'`) });
    await record(lostOutcomeOf(message));
    t.equal(await statusOf(id), 'starting');
    await record(outcomeOf(message, 'accepted'));
    t.equal(await statusOf(id), 'open');
    t.same(await timelineOf(id), [
      '1 attendance.started',
      '2 message.unknown',
      '3 message.accepted',
      '4 attendance.opened',
    ]);
  });

  t.test('an answer under another id than was reported: told beside the acceptance, no gap', async (t) => {
    const { id, message } = await startAndClaim();
    const { account_id } = message;
    const reported = { fact: 'sent' as const, at: new Date(), error: null, provider_message_id: 'P-REPORTED' };
    await joinEvidence({ db, account_id }, [{ id: message.id, evidence: [reported] }], { stuck_after_s: 60 });
    await record(outcomeOf(message, 'accepted', { provider_message_id: 'P-ANSWERED' }));
    t.same(await timelineOf(id), [
      '1 attendance.started',
      '2 message.accepted',
      '3 message.id_conflict',
      '4 attendance.opened',
    ]);
  });

  t.test('several messages of one attendance in one batch: each has its events, numbered without a gap', async (t) => {
    for (const [first_kind, second_kind, status] of [
      ['accepted', 'accepted', 'open'],
      ['accepted', 'refused', 'open'],
      ['refused', 'accepted', 'failed'],
    ] as const) {
      const first = await startAndClaim();
      const second = await startAndClaim(first.phone, { on_open: 'reuse', text: 'Ainda aí?' });
      const third = await startAndClaim(first.phone, { on_open: 'reuse', text: 'Alô?' });
      t.equal(second.id, first.id);
      const batch = [
        outcomeOf(third.message, second_kind),
        outcomeOf(second.message, second_kind),
        outcomeOf(first.message, first_kind),
      ];
      t.equal(await record(...batch), 3);
      const said = `${first_kind}, ${second_kind}`;
      t.equal(await statusOf(first.id), status, said);
      const timeline: string[] = await timelineOf(first.id);
      t.same(
        timeline.map((entry) => Number(entry.split(' ')[0])),
        [1, 2, 3, 4, 5],
        said,
      );
      t.same(timeline.filter((entry) => entry.includes('attendance.')).length, 2, said);
    }
  });

  t.test('only the first message decides: a later one that fails leaves the attendance open', async (t) => {
    const first = await startAndClaim();
    await record(outcomeOf(first.message, 'accepted'));
    const later = await startAndClaim(first.phone, { on_open: 'reuse', text: 'Ainda aí?' });
    await record(outcomeOf(later.message, 'refused'));
    t.equal(await statusOf(first.id), 'open');
    t.same((await timelineOf(first.id)).slice(3), ['4 message.failed']);
  });

  t.test('a closed attendance is not opened again by a late answer, which is told all the same', async (t) => {
    const { id, message } = await startAndClaim();
    await db('attendances').where({ id }).update({ status: 'closed', closed_at: db.fn.now() });
    t.equal(await record(outcomeOf(message, 'accepted')), 1);
    t.equal(await statusOf(id), 'closed');
    t.same(await timelineOf(id), ['1 attendance.started', '2 message.accepted']);
  });

  t.test('messages of many attendances and accounts are written together', async (t) => {
    const other = await service.createCompany();
    const starts = [];
    for (let start = 0; start < 5; start += 1) starts.push(await startAndClaim());
    const { body } = await other.start({ channel_id: other.unofficial_id, text: 'Olá!' });
    const theirs = await claimOf(body.outcome.message_id);
    t.equal(
      await record(...starts.map(({ message }) => outcomeOf(message, 'accepted')), outcomeOf(theirs, 'accepted')),
      6,
    );
    for (const { id } of starts) t.equal(await statusOf(id), 'open');
    t.same(await timelineOf(body.id, other), ['1 attendance.started', '2 message.accepted', '3 attendance.opened']);
  });

  t.test(
    'all or nothing: an outcome that cannot be written takes its batch back, and only itself when alone',
    async (t) => {
      const [one, poison, three] = [await startAndClaim(), await startAndClaim(), await startAndClaim()];
      const batch = [
        outcomeOf(one.message, 'accepted', { provider_message_id: 'of one' }),
        // Longer than the column takes.
        outcomeOf(poison.message, 'accepted', { provider_message_id: 'x'.repeat(513) }),
        outcomeOf(three.message, 'refused'),
      ];
      await t.rejects(record(...batch));
      for (const { id } of [one, poison, three]) t.same(await timelineOf(id), ['1 attendance.started']);

      const errors: unknown[] = [];
      let done = 0;
      const finish = createFinisher<WrittenOutcome>({
        write: async (some) => void (await record(...some)),
        onDone: (count) => {
          done += count;
        },
        onError: (error) => errors.push(error),
        onPutBack: () => t.fail('it waits for nobody'),
        signal: ctx.signal,
      });
      for (const written of batch) finish(written);
      await eventually(
        async () => done,
        (count) => count === 3,
      );
      t.equal(await statusOf(one.id), 'open');
      t.equal(await statusOf(three.id), 'failed');
      t.equal((await company.get(`/v1/messages/${poison.message.id}`)).body.status, 'sending', 'left to its lease');
      t.equal(errors.length, 2);
    },
  );

  t.test(
    'two processes that write outcomes and sweep the same messages at once: one wins, no event is doubled',
    async (t) => {
      const starts = [];
      for (let start = 0; start < 12; start += 1) starts.push(await startAndClaim());
      await db('messages')
        .where({ state: 'sending' })
        .update({ lease_until: db.raw(`now() - interval '1 second'`) });
      const lost = starts.map(({ message }) => lostOutcomeOf(message));
      const accepted = starts.map(({ message }) => outcomeOf(message, 'accepted'));
      const insist = (written: WrittenOutcome[]): Promise<number> => record(...written).catch(() => insist(written));
      await Promise.all([insist(lost), insist([...accepted].reverse()), insist([...lost].reverse()), insist(lost)]);
      for (const { id } of starts) {
        t.equal(await statusOf(id), 'open');
        const types: string[] = (await timelineOf(id)).map((entry: string) => entry.split(' ')[1]);
        t.same(
          types.filter((type) => type !== 'message.unknown'),
          ['attendance.started', 'message.accepted', 'attendance.opened'],
        );
        t.ok(types.length <= 4, types.join(' '));
      }
    },
  );

  t.test('what was learned of a contact becomes an identity', async (t) => {
    const { message } = await startAndClaim();
    const { account_id, contact_id, channel_id } = message;
    const whose = { account_id, contact_id, scope: `channel:${channel_id}`, source: 'evolution', at: ctx.now() };
    const learned = [{ ...whose, kind: 'wa_id' as const, value: '553188880099@s.whatsapp.net' }];
    await recordOutcomes(ctx, public_url, { written: [outcomeOf(message, 'accepted')], learned, channel_news: [] });
    const { identities } = (await company.get(`/v1/contacts/${contact_id}`)).body;
    t.match(identities, [{ kind: 'phone' }, { kind: 'wa_id', value: '553188880099@s.whatsapp.net' }]);
  });

  t.test('news of a channel: the last word counts, and is told once', async (t) => {
    const other = await service.createCompany();
    const at = { account_id: other.account_id, channel_id: other.unofficial_id };
    const tell = (...news: ['disconnected' | 'restricted', string][]) =>
      recordOutcomes(ctx, public_url, {
        ...{ written: [], learned: [] },
        channel_news: news.map(([status, detail]) => ({ ...at, status, detail })),
      });
    await tell(['disconnected', 'one'], ['restricted', 'two']);
    await tell(['restricted', 'three']);
    const channel = (await other.get(`/v1/channels/${other.unofficial_id}`)).body;
    t.match(channel, { status: 'restricted' });
    const events = await db('events').where({ account_id: other.account_id, type: 'channel.status_changed' });
    t.equal(events.length, 1);
    t.match(events[0]?.data, { id: other.unofficial_id, status: 'restricted', status_detail: 'two' });
  });
});
