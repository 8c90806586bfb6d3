import t from 'tap';
import { type ClaimedMessage, claimMessages } from '../../../src/features/messages/claim.repository.ts';
import {
  applyOutcomes,
  listLateMessages,
  listLostMessages,
  type WrittenOutcome,
} from '../../../src/features/messages/dispatch.repository.ts';
import { joinEvidence } from '../../../src/features/messages/evidence.repository.ts';
import { lostOutcomeOf, outcomeOf, queueMessages, readFacts } from '../../support/queue.ts';
import { startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const company = await service.createCompany();
const place = { account_id: company.account_id, channel_id: company.unofficial_id };
await db('channels').where({ id: place.channel_id }).update({ max_per_second: 1_000 });

let from = 0;
/** A message under a lease of `lease_ms`; of a contact of its own. */
async function claimOne(lease_ms = 60_000): Promise<ClaimedMessage> {
  from += 1;
  await queueMessages(db, place, 1, { from });
  for (;;) {
    const [claimed] = (await claimMessages(ctx, 1, lease_ms)).claimed;
    if (claimed) return claimed;
  }
}

const error = (code: string) => ({ code, provider: { name: 'evolution', code: '400', message: 'no', trace_id: null } });

const expire = (message: ClaimedMessage) =>
  db('messages')
    .where({ id: message.id })
    .update({ lease_until: db.raw(`now() - interval '1 second'`) });
/** A provider's report that it was sent, found by our own id. */
const join = ({ account_id, id }: ClaimedMessage) =>
  joinEvidence(
    { db, account_id },
    [{ id, evidence: [{ fact: 'sent', at: new Date(), error: null, provider_message_id: null }] }],
    { stuck_after_s: 60 },
  );
/** An echo of what waits at the gateway, before the answer to its own send. */
const accept = ({ account_id, id }: ClaimedMessage, provider_message_id: string) =>
  joinEvidence(
    { db, account_id },
    [{ id, evidence: [{ fact: 'accepted', at: new Date(), error: null, provider_message_id }] }],
    { stuck_after_s: 60 },
  );
const factsOf = async (message: ClaimedMessage) => {
  const row = await db('messages').where({ id: message.id }).first();
  const at = (['accepted_at', 'held_at', 'failed_at', 'sent_at'] as const).filter((name) => row?.[name]);
  return { ...(await readFacts(db, message.id)), at };
};

t.test('applyOutcomes', async (t) => {
  t.test('T3a: accepted', async (t) => {
    const message = await claimOne();
    const changed = await applyOutcomes(ctx, [outcomeOf(message, 'accepted', { provider_message_id: 'P1' })]);
    t.match(changed, [{ id: message.id, status: 'accepted' }]);
    t.match(await factsOf(message), {
      ...{ state: 'settled', status: 'accepted', at: ['accepted_at'], provider_message_id: 'P1' },
      ...{ error_code: null, leased_s: null, outcomes: ['accepted'] },
    });
    const attempt = await db('attempts').where({ message_id: message.id }).first();
    t.ok(attempt?.finished_at);
  });

  t.test('T3a: accepted under an id that another message of the channel has: accepted all the same', async (t) => {
    const [typed, message] = [await claimOne(), await claimOne()];
    await applyOutcomes(ctx, [outcomeOf(typed, 'accepted', { provider_message_id: 'P-TAKEN' })]);
    const changed = await applyOutcomes(ctx, [outcomeOf(message, 'accepted', { provider_message_id: 'P-TAKEN' })]);
    t.match(changed, [{ id: message.id, status: 'accepted', provider_message_id: null }]);
    t.match(await factsOf(typed), { status: 'accepted', provider_message_id: 'P-TAKEN' });
  });

  t.test('T3a: accepted and held back', async (t) => {
    const message = await claimOne();
    await applyOutcomes(ctx, [outcomeOf(message, 'accepted', { provider_message_id: 'P2', is_held: true })]);
    t.match(await factsOf(message), { status: 'held', at: ['accepted_at', 'held_at'] });
  });

  t.test('T3a: the address that the provider gave is kept', async (t) => {
    const message = await claimOne();
    const recipient = { kind: 'wa_id' as const, value: '553190000001@s.whatsapp.net' };
    await applyOutcomes(ctx, [outcomeOf(message, 'unavailable', { recipient, run_in_ms: 0, error: error('x') })]);
    const row = await db('messages').where({ id: message.id }).first();
    t.match(row, { recipient_kind: 'wa_id', recipient: recipient.value });
    await db('messages').where({ id: message.id }).update({ state: 'cancelled' });
  });

  t.test(
    'T3a: an answer that evidence of the acceptance has overtaken adds the address, and tells nothing',
    async (t) => {
      const message = await claimOne();
      await accept(message, 'P-ECHO');
      const recipient = { kind: 'wa_id' as const, value: '553190000077@s.whatsapp.net' };
      const answer = outcomeOf(message, 'accepted', { provider_message_id: 'P-ECHO', recipient });
      t.match(await applyOutcomes(ctx, [answer]), [{ id: message.id, was_accepted: true, is_conflict: false }]);
      const row = await db('messages').where({ id: message.id }).first();
      t.match(row, { recipient: recipient.value, provider_message_id: 'P-ECHO', also_sent_as: [] });
      t.same(await applyOutcomes(ctx, [answer]), [], 'and a repeat adds nothing');
    },
  );

  t.test('T3a: an answer with another id than the evidence before it is told as a second message', async (t) => {
    const message = await claimOne();
    await accept(message, 'P-FIRST');
    const answer = outcomeOf(message, 'accepted', { provider_message_id: 'P-SECOND' });
    t.match(await applyOutcomes(ctx, [answer]), [{ id: message.id, was_accepted: true, is_conflict: true }]);
    const row = await db('messages').where({ id: message.id }).first();
    t.match(row, { provider_message_id: 'P-FIRST', also_sent_as: ['P-SECOND'] });
    t.same(await applyOutcomes(ctx, [answer]), [], 'once');
  });

  t.test('T3b: not sent goes back to the queue and is due when it was said', async (t) => {
    const message = await claimOne();
    await applyOutcomes(ctx, [
      outcomeOf(message, 'unavailable', { error: error('provider_unavailable'), run_in_ms: 90_000 }),
    ]);
    const facts = await factsOf(message);
    t.match(facts, { state: 'queued', at: [], error_code: 'provider_unavailable', leased_s: null, attempt: 1 });
    t.ok(facts.run_in_s !== null && facts.run_in_s > 80 && facts.run_in_s <= 90, `in ${facts.run_in_s} s`);
    t.same(facts.outcomes, ['unavailable']);
    await db('messages').where({ id: message.id }).update({ run_at: db.fn.now() });
    const [again] = (await claimMessages(ctx, 1, 60_000)).claimed;
    t.match(again, { id: message.id, attempt: 2 }, 'and is tried again, as another attempt');
    await applyOutcomes(ctx, [outcomeOf(again as ClaimedMessage, 'accepted', { provider_message_id: 'P3' })]);
    t.match(await factsOf(message), { status: 'accepted', error_code: null, outcomes: ['unavailable', 'accepted'] });
  });

  t.test('given back is due at once and says nothing against the message', async (t) => {
    const message = await claimOne();
    await applyOutcomes(ctx, [outcomeOf(message, 'given_back')]);
    const facts = await factsOf(message);
    t.match(facts, { state: 'queued', error_code: null, outcomes: ['given_back'] });
    t.ok(facts.run_in_s !== null && facts.run_in_s <= 0);
    await db('messages').where({ id: message.id }).update({ state: 'cancelled' });
  });

  t.test('T3c: refused for good', async (t) => {
    const message = await claimOne();
    await applyOutcomes(ctx, [outcomeOf(message, 'refused', { error: error('message_invalid') })]);
    t.match(await factsOf(message), { state: 'settled', status: 'failed', at: ['failed_at'], outcomes: ['refused'] });
    const row = await db('messages').where({ id: message.id }).first();
    t.same(row?.error, error('message_invalid'), 'with the provider’s own words');
  });

  t.test('T3d: a doubt has no fact and no date', async (t) => {
    const message = await claimOne();
    await applyOutcomes(ctx, [outcomeOf(message, 'ambiguous', { error: error('provider_answer_lost') })]);
    t.match(await factsOf(message), { state: 'unknown', at: [], leased_s: null, outcomes: ['ambiguous'] });
  });

  t.test('a stale fence writes nothing, whatever it says', async (t) => {
    const message = await claimOne();
    const before = await factsOf(message);
    const stale = { ...message, fence: message.fence - 1 };
    for (const kind of ['accepted', 'refused', 'unavailable', 'given_back', 'ambiguous', 'lost'] as const) {
      const over = { provider_message_id: 'P9', error: error('x'), run_in_ms: 0 };
      t.same(await applyOutcomes(ctx, [outcomeOf(stale, kind, over)]), [], kind);
    }
    const { leased_s: _, run_in_s: __, ...same } = before;
    t.match(await factsOf(message), same);
    t.same((await factsOf(message)).outcomes, [null]);
  });

  t.test('T4: an expired lease becomes a doubt and never goes back to the queue', async (t) => {
    const message = await claimOne();
    t.same(await applyOutcomes(ctx, [lostOutcomeOf(message)]), [], 'a lease that has not passed is left alone');
    await expire(message);
    t.match(await listLostMessages(ctx, 10), [{ id: message.id, fence: message.fence, attempt: 1 }]);
    await applyOutcomes(ctx, [lostOutcomeOf(message)]);
    t.match(await factsOf(message), { state: 'unknown', error_code: 'provider_answer_lost', outcomes: ['lost'] });
    t.same(await listLostMessages(ctx, 10), []);
    t.same((await claimMessages(ctx, 10, 60_000)).claimed, [], 'nobody claims it');
  });

  t.test('after the sweep a late acceptance settles the doubt', async (t) => {
    const message = await claimOne();
    await expire(message);
    await applyOutcomes(ctx, [lostOutcomeOf(message)]);
    const changed = await applyOutcomes(ctx, [outcomeOf(message, 'accepted', { provider_message_id: 'P5' })]);
    t.equal(changed.length, 1);
    t.match(await factsOf(message), { status: 'accepted', error_code: null, outcomes: ['accepted'] });
  });

  t.test('so does a late refusal; a late “not sent” does not, for nobody may send it again', async (t) => {
    const refused = await claimOne();
    await expire(refused);
    await applyOutcomes(ctx, [lostOutcomeOf(refused)]);
    await applyOutcomes(ctx, [outcomeOf(refused, 'refused', { error: error('message_invalid') })]);
    t.match(await factsOf(refused), { status: 'failed', outcomes: ['refused'] });

    const unsent = await claimOne();
    await expire(unsent);
    await applyOutcomes(ctx, [lostOutcomeOf(unsent)]);
    for (const kind of ['unavailable', 'given_back', 'ambiguous'] as const)
      t.same(await applyOutcomes(ctx, [outcomeOf(unsent, kind, { error: error('x'), run_in_ms: 0 })]), [], kind);
    t.match(await factsOf(unsent), { state: 'unknown', error_code: 'provider_answer_lost', outcomes: ['lost'] });
  });

  t.test('T8 of a resend is a doubt again: the attempt that led to it may have arrived', async (t) => {
    const message = await claimOne();
    await applyOutcomes(ctx, [outcomeOf(message, 'ambiguous', { error: error('provider_answer_lost') })]);
    const resolution = {
      ...{ action: 'resend' as const, reason: null, at: new Date().toISOString() },
      decided_by: { policy: 'resend', api_key_id: null, actor: null },
    };
    await applyOutcomes(ctx, [outcomeOf(message, 'resend', { fence: null, send_within_s: 1, resolution })]);
    t.match(await factsOf(message), { state: 'queued' });
    await db('messages')
      .where({ id: message.id })
      .update({ send_before: db.raw(`now() - interval '1 second'`) });
    const late = { fence: null, error: { code: 'not_sent_in_time' as const, provider: null } };
    const changed = await applyOutcomes(ctx, [outcomeOf(message, 'too_late', late)]);
    t.match(changed, [{ id: message.id, status: 'unknown', failed_at: null }]);
    t.match(await factsOf(message), { state: 'unknown', at: [], error_code: 'provider_answer_lost' });
  });

  t.test('so is one that we refuse ourselves, and not one that the provider refuses', async (t) => {
    for (const [over, status] of [
      [{ is_unsent: true }, 'unknown'],
      [{}, 'failed'],
    ] as const) {
      const message = await claimOne();
      await applyOutcomes(ctx, [outcomeOf(message, 'ambiguous', { error: error('provider_answer_lost') })]);
      const refusal = { error: error('message_invalid'), ...over };
      await applyOutcomes(ctx, [outcomeOf(message, 'refused', refusal)]);
      t.match(await factsOf(message), { status });
    }
    const fresh = await claimOne();
    await applyOutcomes(ctx, [outcomeOf(fresh, 'refused', { error: error('message_invalid'), is_unsent: true })]);
    t.match(await factsOf(fresh), { status: 'failed' }, 'one that was never in doubt surely has not gone out');
  });

  t.test('T5 before T3 under another id: both are kept, and it is told once that it went out twice', async (t) => {
    const reportedAs = ({ account_id, id }: ClaimedMessage, provider_message_id: string) =>
      joinEvidence(
        { db, account_id },
        [{ id, evidence: [{ fact: 'sent', at: new Date(), error: null, provider_message_id }] }],
        { stuck_after_s: 60 },
      );
    const idsOf = ({ id }: ClaimedMessage) =>
      db('messages').where({ id }).first('provider_message_id', 'also_sent_as', 'status');

    const message = await claimOne();
    await reportedAs(message, 'P-A1');
    const changed = await applyOutcomes(ctx, [outcomeOf(message, 'accepted', { provider_message_id: 'P-A2' })]);
    t.match(changed, [{ is_conflict: true }]);
    t.same(await idsOf(message), { provider_message_id: 'P-A1', also_sent_as: ['P-A2'], status: 'sent' });

    const told = await claimOne();
    await reportedAs(told, 'P-B1');
    t.match(await reportedAs(told, 'P-B2'), [{ is_conflict: true }]);
    t.match(await applyOutcomes(ctx, [outcomeOf(told, 'accepted', { provider_message_id: 'P-B2' })]), [
      { is_conflict: false },
    ]);
    t.same(await idsOf(told), { provider_message_id: 'P-B1', also_sent_as: ['P-B2'], status: 'sent' });

    const taken = await claimOne();
    await reportedAs(taken, 'P-C1');
    const over = { provider_message_id: 'P-A1' };
    t.match(await applyOutcomes(ctx, [outcomeOf(taken, 'accepted', over)]), [{ is_conflict: false }]);
    t.same(await idsOf(taken), { provider_message_id: 'P-C1', also_sent_as: [], status: 'sent' });

    const same = await claimOne();
    await reportedAs(same, 'P-D1');
    t.match(await applyOutcomes(ctx, [outcomeOf(same, 'accepted', { provider_message_id: 'P-D1' })]), [
      { is_conflict: false },
    ]);
    t.same(await idsOf(same), { provider_message_id: 'P-D1', also_sent_as: [], status: 'sent' });
  });

  t.test('T5 before T3: evidence ends the attempt, and the answer of its send adds only the id', async (t) => {
    const answers = ['accepted', 'refused', 'ambiguous'] as const;
    for (const kind of answers) {
      const message = await claimOne();
      await join(message);
      const attemptOf = () => db('attempts').where({ message_id: message.id }).first();
      const ended = await attemptOf();
      t.match(ended, { outcome: 'accepted', finished_at: Date });
      t.match(await factsOf(message), { state: 'settled', status: 'sent', leased_s: null, provider_message_id: null });
      await applyOutcomes(ctx, [outcomeOf(message, kind)]);
      t.same(await attemptOf(), ended, `${kind} afterwards changes nothing of it`);
      const provider_message_id = kind === 'accepted' ? `P-${message.id}` : null;
      t.match(await factsOf(message), { state: 'settled', status: 'sent', provider_message_id, error_code: null });
    }
  });

  t.test('T5 after T4: the attempt that was given up stays so', async (t) => {
    const message = await claimOne();
    await expire(message);
    await applyOutcomes(ctx, [lostOutcomeOf(message)]);
    await join(message);
    t.match(await factsOf(message), { state: 'settled', status: 'sent', outcomes: ['lost'] });
  });

  t.test('what is settled stays as it is', async (t) => {
    const message = await claimOne();
    await applyOutcomes(ctx, [outcomeOf(message, 'accepted', { provider_message_id: 'P6' })]);
    const later = { provider_message_id: 'P6', error: error('x') };
    for (const kind of ['accepted', 'refused', 'unavailable', 'ambiguous', 'lost'] as const)
      t.same(await applyOutcomes(ctx, [outcomeOf(message, kind, { ...later, run_in_ms: 0 })]), [], kind);
    t.match(await factsOf(message), { status: 'accepted', at: ['accepted_at'], provider_message_id: 'P6' });
  });

  t.test('T8: queued past its time is failed, while anything else is left alone', async (t) => {
    from += 1;
    const [late = ''] = await queueMessages(db, place, 1, { from, send_within_s: -1 });
    from += 1;
    const [in_time = ''] = await queueMessages(db, place, 1, { from, run_in_s: 60 });
    const claimed = await claimOne();
    const tooLate = (id: string): WrittenOutcome => ({
      ...outcomeOf({ ...claimed, id }, 'too_late', { error: { code: 'not_sent_in_time', provider: null } }),
      fence: null,
      attempt: 0,
    });
    t.match(await listLateMessages(ctx, 10), [{ id: late }]);
    const changed = await applyOutcomes(ctx, [late, in_time, claimed.id].map(tooLate));
    t.same(
      changed.map(({ id }) => id),
      [late],
    );
    t.match(await readFacts(db, late), { status: 'failed', error_code: 'not_sent_in_time', outcomes: [] });
    t.same(await listLateMessages(ctx, 10), []);
  });

  t.test('another account’s id changes nothing', async (t) => {
    const message = await claimOne();
    const other = await service.createClient();
    t.same(await applyOutcomes(ctx, [outcomeOf({ ...message, account_id: other.account_id }, 'accepted')]), []);
    t.match(await factsOf(message), { state: 'sending', outcomes: [null] });
  });
});
