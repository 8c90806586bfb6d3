import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import pino from 'pino';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { inTransaction, type Scope } from '../../../src/context.ts';
import { connect } from '../../../src/db/connection.ts';
import type { ChannelsRow } from '../../../src/db/rows.ts';
import { createAccount } from '../../../src/features/accounts/create-account.ts';
import { createVaults } from '../../../src/features/accounts/vaults.ts';
import { createChannel } from '../../../src/features/channels/create-channel.ts';
import { applyEvents } from '../../../src/features/inbound/apply-event.ts';
import { messageIdOf } from '../../../src/features/inbound/message-id.ts';
import { createKeyRing } from '../../../src/seal.ts';
import { createDatabase, patience_ms } from '../../support/database.ts';
import { queueMessages } from '../../support/queue.ts';
import { reports, type Told, toEvent, told } from '../../support/told.ts';

const { settings } = await createDatabase(t);
const log = pino({ level: 'silent' });
const db = connect(settings, { pool_max: 4, application_name: 'conversar test', log, acquire_timeout_ms: patience_ms });
t.teardown(() => db.destroy());
const key_ring = createKeyRing([{ kid: 'test', key: randomBytes(32) }]);
const vaults = createVaults(key_ring);
const ctx = { db, log, now: () => new Date(), signal: new AbortController().signal };
const now_ms = Date.now();

interface Place {
  scope: Scope;
  channel: ChannelsRow;
  /**
   * Of the four people whom we wrote to, in their order: starting, open, closed a minute ago, failed. The first is in the air,
   * the second in doubt, or given up by a person.
   */
  sent: string[];
}

/** The same beginning in an account of its own. */
async function createPlace(reopen_within_s: number, is_given_up = false): Promise<Place> {
  const { id: account_id } = await createAccount(ctx, key_ring, { name: 'Loja Exemplo' });
  const vault = (await vaults.openAll(ctx, [account_id])).get(account_id);
  if (!vault) throw new Error('no vault');
  const scope: Scope = { ...ctx, account_id, default_country: 'BR', vault, api_key_id: null };
  const credentials = {
    access_token: 'token-of-nobody',
    phone_number_id: '1',
    waba_id: '2',
    app_secret: 'secret-of-nobody',
  };
  const channel = await createChannel(scope, {
    name: 'Oficial',
    provider: 'whatsapp_cloud',
    base_url: 'http://127.0.0.1:9/graph',
    credentials,
    reopen_within_s,
  });
  const sent = await queueMessages(db, { account_id, channel_id: channel.id }, 4, { run_in_s: 3_000 });
  const states = [
    { status: 'starting' },
    { status: 'open' },
    { status: 'closed', closed_at: new Date(now_ms - 60_000) },
    { status: 'failed' },
  ];
  // Which one is older or the last decides what a merge and a return do: the same in both accounts.
  for (const [place, change] of states.entries())
    await db('attendances')
      .where({ account_id, first_message_id: sent[place] })
      .update({ ...change, id: uuid(), created_at: new Date(now_ms - 3_600_000 + place) });
  for (const [place, id] of sent.entries())
    if (place > 0)
      await db('messages')
        .where({ account_id, id })
        .update({ provider_message_id: `ours-${place}` });
  const [in_the_air, in_doubt] = sent;
  const tried = { state: 'sending', attempt: 1, fence: 1, lease_until: new Date(now_ms + 3_600_000), run_at: null };
  await db('messages').where({ account_id, id: in_the_air }).update(tried);
  await db('messages')
    .where({ account_id, id: in_doubt })
    .update({ state: 'unknown', unknown_at: new Date(now_ms), provider_message_id: 'chosen' });
  if (is_given_up)
    await db('messages')
      .where({ account_id, id: in_doubt })
      .update({
        state: 'settled',
        failed_at: new Date(now_ms),
        error: JSON.stringify({ code: 'recipient_undeliverable', provider: null }),
      });
  for (const id of [in_the_air, in_doubt]) {
    const message = await db('messages').where({ account_id, id }).first();
    await db('attempts').insert({
      ...{ account_id, message_id: id, number: 1, fence: 1, channel_id: channel.id, contact_id: message?.contact_id },
      started_at: new Date(now_ms),
      ...(id === in_doubt ? { finished_at: new Date(now_ms), outcome: 'ambiguous' } : {}),
    });
  }
  const row = await db('channels').where({ account_id, id: channel.id }).first();
  if (!row) throw new Error('no channel');
  return { scope, channel: row, sent };
}

/** Applies them so many to a transaction; what became of each. */
async function apply(place: Place, all: Told[], size: number): Promise<string[]> {
  const body_id = '01990000-0000-7000-8000-000000000001';
  const placed = all.map((one, index) => {
    const event = toEvent({ vault: place.scope.vault, sent: place.sent, told_at: new Date(now_ms) }, one);
    const received_at = new Date(now_ms + 10_000);
    return { event, place: { message_id: messageIdOf(body_id, index, received_at), received_at } };
  });
  const outcomes: string[] = [];
  for (let next = 0; next < placed.length; next += size) {
    const part = placed.slice(next, next + size);
    const found = await inTransaction(place.scope, (trx) => applyEvents(trx, 'http://x', place.channel, part));
    outcomes.push(...part.map((one) => String(found.get(one.place))));
  }
  return outcomes;
}

/** Everything that is there, by what people and providers call it: rows and events but for ids and our own times. */
async function pictureOf({ scope: { account_id } }: Place) {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `select c.name_key, c.phone, c.marketing_opted_out_at, c.erased_at is null as is_live, c.merged_into is null as is_itself,
            (select array_agg(concat_ws(' ', i.kind, i.value, i.first_seen_at, i.last_seen_at) order by i.kind, i.value) from contact_identities i
              where i.account_id = c.account_id and i.contact_id = c.id and i.kind <> 'phone') as names,
            (select array_agg(e.type order by e.type) from events e
              where e.account_id = c.account_id and e.contact_id = c.id and e.attendance_id is null) as told,
            (select jsonb_agg(a order by a.first_sent, a.timeline) from (
               select status, origin, close_reason, window_expires_at, address, event_sequence,
                      (select count(*) from messages m where m.account_id = a.account_id and m.id = a.first_message_id) as first_sent,
                      (select jsonb_agg(jsonb_build_array(e.attendance_sequence, e.type, jsonb_path_query_array(e.data, '$.attempts[*].outcome'),
                                        regexp_replace(cast(e.data - cast(:own_times as text[]) as text), :an_id, 'id', 'g'))
                                        order by e.attendance_sequence)
                         from events e where e.account_id = a.account_id and e.attendance_id = a.id) as timeline,
                      (select jsonb_agg(jsonb_build_array(m.direction, m.type, m.text, m.media, m.status, m.state, m.provider_message_id,
                                                          m.also_sent_as, m.run_at is null, m.lease_until is null,
                                                          (select jsonb_agg(t.outcome order by t.number) from attempts t
                                                            where t.account_id = m.account_id and t.message_id = m.id),
                                                          m.accepted_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at, m.error)
                                        order by m.direction, m.provider_message_id)
                         from messages m where m.account_id = a.account_id and m.attendance_id = a.id) as messages
                 from attendances a where a.account_id = c.account_id and a.contact_id = c.id) a) as attendances
       from contacts c where c.account_id = :account_id`,
    {
      account_id,
      own_times: ['created_at', 'updated_at', 'closed_at', 'attempts'],
      an_id: '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}',
    },
  );
  return rows.map((row) => JSON.stringify(row)).sort();
}

t.test('many events in one transaction end as the same events one by one, to the last row and event', async (t) => {
  const runs = Number(process.env.CONVERSAR_TEST_RUNS ?? 25);
  let merged = 0;
  const property = fc.asyncProperty(
    fc.array(fc.oneof({ weight: 3, arbitrary: told.map((one) => [one]) }, { weight: 1, arbitrary: reports }), {
      minLength: 2,
      maxLength: 18,
    }),
    fc.constantFrom(5, 100),
    fc.constantFrom(0, 3_600),
    fc.boolean(),
    async (groups, size, reopen_within_s, is_given_up) => {
      const all = groups.flat();
      const [single, batched] = [
        await createPlace(reopen_within_s, is_given_up),
        await createPlace(reopen_within_s, is_given_up),
      ];
      const expected = await apply(single, all, 1);
      const found = await apply(batched, all, size);
      const outcomes = all.map((one, place) => `${one.is} ${expected[place]}`);
      if (JSON.stringify(found) !== JSON.stringify(expected))
        throw new Error(`became ${found}, one by one ${outcomes}`);
      const [left, right] = [await pictureOf(single), await pictureOf(batched)];
      merged += left.filter((row) => row.includes('"is_itself":false')).length;
      if (JSON.stringify(left) !== JSON.stringify(right))
        throw new Error(`left ${right.join('\n')}\n\none by one ${left.join('\n')}`);
    },
  );
  const surely_merges: Told[] = [
    { is: 'identity', who: 0, to: 1, at: 0 },
    { is: 'edit', id: 0, at: 0 },
  ];
  const examples: [Told[][], number, number, boolean][] = [[[surely_merges], 100, 0, false]];
  await t.resolves(fc.assert(property, { numRuns: runs, examples, endOnFailure: false, timeout: 60_000 }));
  t.ok(merged > 0, 'some of them were about one person by two names');
});

t.test('facts of one message that come together are joined by one statement, and told in their order', async (t) => {
  const place = await createPlace(0);
  let joins = 0;
  const count = ({ sql }: { sql: string }) => {
    if (sql.includes('as is_conflict')) joins += 1;
  };
  db.on('query', count);
  t.teardown(() => db.off('query', count));
  const facts = (['sent', 'delivered', 'read'] as const).flatMap((fact, at): Told[] =>
    [0, 1, 2].map((of) => ({ is: 'status', of, by: 1, fact, names: true, at })),
  );
  t.same(
    await apply(place, facts, 100),
    facts.map(() => 'applied'),
  );
  t.equal(joins, 1);
  const { rows } = await db.raw<{ rows: { told: string[] }[] }>(
    `select array_agg(type || ' ' || (data ->> 'status') order by attendance_sequence) as told from events
      where account_id = ? and message_id = ?`,
    [place.scope.account_id, place.sent[2] ?? ''],
  );
  t.same(rows[0]?.told, ['message.sent sent', 'message.delivered delivered', 'message.read read']);
});
