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
import { createCorrelator } from '../../../src/features/messages/correlator.ts';
import type { InboundEvent } from '../../../src/providers/inbound.ts';
import type { Address } from '../../../src/providers/provider.ts';
import { createKeyRing } from '../../../src/seal.ts';
import { createDatabase } from '../../support/database.ts';
import { queueMessages } from '../../support/queue.ts';

const { settings } = await createDatabase(t);
const log = pino({ level: 'silent' });
const db = connect(settings, { pool_max: 4, application_name: 'conversar test', log });
t.teardown(() => db.destroy());
const key_ring = createKeyRing([{ kid: 'test', key: randomBytes(32) }]);
const vaults = createVaults(key_ring);
const ctx = { db, log, now: () => new Date(), signal: new AbortController().signal };
const now_ms = Date.now();

interface Place {
  scope: Scope;
  channel: ChannelsRow;
  /** Of the four people whom we wrote to, in their order: starting, open, closed a minute ago, failed. */
  sent: string[];
}

/** The same beginning in an account of its own. */
async function createPlace(reopen_within_s: number): Promise<Place> {
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
  const row = await db('channels').where({ account_id, id: channel.id }).first();
  if (!row) throw new Error('no channel');
  return { scope, channel: row, sent };
}

/** What is told, without the ids of one account: the number of a person and of a message of ours stand in. */
type Told =
  | {
      is: 'message';
      who: number;
      by: number;
      id: number;
      reply_to: number | null;
      opens: boolean;
      name: string | null;
      at: number;
    }
  | {
      is: 'status';
      of: number;
      by: number;
      fact: 'sent' | 'delivered' | 'read' | 'failed' | 'accepted';
      names: boolean;
      at: number;
    }
  | { is: 'echo'; of: number; who: number; at: number }
  | { is: 'edit'; id: number; at: number }
  | { is: 'opt_out'; who: number; at: number }
  | { is: 'identity'; who: number; to: number; at: number };

const who = fc.nat(5);
const at = fc.nat(5);
const told: fc.Arbitrary<Told> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant('message' as const),
      who,
      by: fc.nat(3),
      id: fc.nat(11),
      reply_to: fc.option(fc.nat(14)),
      opens: fc.integer({ min: 0, max: 4 }).map((one) => one > 0),
      name: fc.constantFrom(null, 'Ana', 'Bia'),
      at,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant('status' as const),
      of: fc.nat(4),
      by: fc.nat(2),
      fact: fc.constantFrom('accepted', 'sent', 'delivered', 'read', 'failed'),
      names: fc.boolean(),
      at,
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('echo' as const), of: fc.nat(4), who, at }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('edit' as const), id: fc.nat(11), at }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('opt_out' as const), who, at }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('identity' as const), who, to: who, at }) },
);

/** Of one message, one after the other, as a provider tells them. */
const reports: fc.Arbitrary<Told[]> = fc
  .record({
    of: fc.nat(4),
    by: fc.nat(2),
    names: fc.boolean(),
    facts: fc.array(fc.record({ fact: fc.constantFrom('accepted', 'sent', 'delivered', 'read', 'failed'), at }), {
      minLength: 2,
      maxLength: 4,
    }),
  })
  .map(({ facts, ...of }) => facts.map((one) => ({ is: 'status', ...of, ...one })));

/** The names of a person, some or all: what is told of one of them by one name and later by two proves them to be the same. */
function namesOf(person: number, by: number): Address[] {
  const digits = String(5_531_900_000_001 + person);
  const wa_id: Address = { kind: 'wa_id', value: digits };
  const phone: Address = { kind: 'phone', value: `+${digits}` };
  const bsuid: Address = { kind: 'bsuid', value: `BR.${person}` };
  return [[wa_id, phone], [bsuid], [wa_id, phone, bsuid], [wa_id]][by] ?? [];
}

const theirId = (id: number) => (id < 12 ? `theirs-${id}` : `ours-${id - 11}`);

/** The message that has no id yet has none that anybody could tell. */
const echoedId = (one: { of: number; at: number }) => (one.of === 0 ? `typed-${one.at}` : `ours-${one.of}`);

function toEvent({ scope, sent }: Place, one: Told): InboundEvent {
  const time = new Date(now_ms + 1_000 * one.at);
  switch (one.is) {
    case 'message':
      return {
        kind: 'message',
        provider_message_id: theirId(one.id),
        at: time,
        from: { identities: namesOf(one.who, one.by), profile_name: one.name },
        type: one.opens ? 'text' : 'reaction',
        text: `${one.is} ${one.id}`,
        media: null,
        reply_to: one.reply_to === null ? null : theirId(one.reply_to),
        opens: one.opens,
      };
    case 'status': {
      const id = sent[one.of];
      const correlator = one.by === 0 || id === undefined ? null : createCorrelator(scope.vault, id, 1);
      return {
        kind: 'status',
        provider_message_id: one.by === 2 ? `again-${one.of}` : `ours-${one.of}`,
        correlator,
        fact: one.fact,
        at: time,
        error: one.fact === 'failed' ? { code: 'recipient_undeliverable', provider: null } : null,
        identities: one.names ? namesOf(one.of, one.by) : [],
      } as InboundEvent;
    }
    case 'echo':
      return {
        ...{
          kind: 'echo',
          provider_message_id: echoedId(one),
          correlator: null,
          at: time,
          type: 'text',
          media: null,
          is_pending: false,
        },
        ...{ text: 'Digitado', to: { identities: namesOf(one.who, 0), profile_name: null } },
      } as InboundEvent;
    case 'edit':
      return { kind: 'edit', original_id: theirId(one.id), at: time, text: `corrected ${one.at}` };
    case 'opt_out':
      return {
        kind: 'opt_out',
        at: time,
        person: { identities: namesOf(one.who, 0), profile_name: null },
        opted_out: true,
      };
    case 'identity':
      return { kind: 'identity', at: time, before: namesOf(one.who, 0), after: namesOf(one.to, 0) };
  }
}

/** Applies them so many to a transaction; what became of each. */
async function apply(place: Place, all: Told[], size: number): Promise<string[]> {
  const body_id = '01990000-0000-7000-8000-000000000001';
  const placed = all.map((one, index) => {
    const event = toEvent(place, one);
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
            (select array_agg(i.kind || i.value || i.last_seen_at order by i.kind, i.value) from contact_identities i
              where i.account_id = c.account_id and i.contact_id = c.id and i.kind <> 'phone') as names,
            (select array_agg(e.type order by e.type) from events e
              where e.account_id = c.account_id and e.contact_id = c.id and e.attendance_id is null) as told,
            (select jsonb_agg(a order by a.first_sent, a.timeline) from (
               select status, origin, close_reason, window_expires_at, address, event_sequence,
                      (select count(*) from messages m where m.account_id = a.account_id and m.id = a.first_message_id) as first_sent,
                      (select jsonb_agg(jsonb_build_array(e.attendance_sequence, e.type, e.data ->> 'status', e.data #>> '{service_window,expires_at}',
                                                          e.data ->> 'text', e.data #>> '{contact,name}', e.data #>> '{first_message,status}',
                                                          e.data ->> 'accepted_at', e.data ->> 'sent_at', e.data ->> 'delivered_at', e.data ->> 'read_at') order by e.attendance_sequence)
                         from events e where e.account_id = a.account_id and e.attendance_id = a.id) as timeline,
                      (select jsonb_agg(jsonb_build_array(m.direction, m.type, m.text, m.media, m.status, m.state, m.provider_message_id,
                                                          m.also_sent_as, m.accepted_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at, m.error)
                                        order by m.direction, m.provider_message_id)
                         from messages m where m.account_id = a.account_id and m.attendance_id = a.id) as messages
                 from attendances a where a.account_id = c.account_id and a.contact_id = c.id) a) as attendances
       from contacts c where c.account_id = :account_id`,
    { account_id },
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
    async (groups, size, reopen_within_s) => {
      const all = groups.flat();
      const [single, batched] = [await createPlace(reopen_within_s), await createPlace(reopen_within_s)];
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
  await t.resolves(fc.assert(property, { numRuns: runs, endOnFailure: false, timeout: 60_000 }));
  t.ok(merged > 0, 'some of them were about one person by two names');
});
