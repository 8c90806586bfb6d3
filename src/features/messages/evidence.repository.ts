import type { Scope } from '../../context.ts';
import type { ChannelsRow, MessagesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf } from '../../db/table.ts';
import { forgottenId } from './erase.repository.ts';
import type { KeptError } from './message-errors.ts';
import { freeProviderId } from './messages.repository.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export type Fact = 'accepted' | 'held' | 'sent' | 'delivered' | 'read' | 'failed';

/** What a provider reports of one message. */
export interface Evidence {
  fact: Fact;
  at: Date;
  /** With `failed`. */
  error: KeptError | null;
  provider_message_id: string | null;
}

/** Facts of one message in their order, each another one, all told under one provider's id. */
export type EvidenceRun = [Evidence, ...Evidence[]];

type Found = Pick<MessagesRow, 'id' | 'attendance_id' | 'contact_id'>;

/** A message of ours as a provider names it: by the id that a correlator told us, by the provider's own, or both. */
export interface ReportedAt {
  place: number;
  message_id: string | null;
  provider_message_id: string | null;
}

/** Our outbound messages of this channel: by their ids, where correlators named them, else by the provider's. */
const findReported = prepare<{ account_id: string; channel_id: string; asked: string }, Found & { place: number }>(
  'list_reported',
  `with asked as materialized (
    select * from jsonb_to_recordset(cast(:asked as jsonb)) as n (place integer, message_id uuid, provider_message_id text)
  ),
  named as (
    select n.place, coalesce(
        (select m.id from messages m
          where m.account_id = :account_id and m.id = n.message_id and m.channel_id = :channel_id and m.direction = 'outbound'),
        (select m.id from messages m
          where m.account_id = :account_id and m.channel_id = :channel_id and m.provider_message_id = n.provider_message_id
            and m.direction = 'outbound'),
        (select m.id from messages m
          where m.account_id = :account_id and m.channel_id = :channel_id and m.direction = 'outbound' and m.also_sent_as <> '{}'
            and m.also_sent_as @> array[n.provider_message_id] limit 1)) as id
      from asked n
  )
  select n.place, m.id, m.attendance_id, m.contact_id from named n
   cross join lateral (select id, attendance_id, contact_id from messages
                        where account_id = :account_id and id = n.id offset 0) m
   order by n.place`,
);

/** In the order of their places. */
export async function listReported(
  { db, account_id }: Ctx,
  channel_id: string,
  asked: ReportedAt[],
): Promise<(Found & { place: number })[]> {
  if (asked.length === 0) return [];
  return findReported(db, { account_id, channel_id, asked: JSON.stringify(asked) });
}

/** `attendance_id` is null for one of a person who was erased. */
type KnownMessage = Pick<MessagesRow, 'provider_message_id'> & { attendance_id: string | null };

/** Each hash is a look into an index: joined freely, a plan made while the table was small would read all of it once it is large. */
const findByProviderIds = prepare<
  { account_id: string; channel_id: string; ids: string[]; hashes: string },
  KnownMessage
>(
  'list_by_provider_ids',
  `select provider_message_id, attendance_id from messages
    where account_id = :account_id and channel_id = :channel_id and provider_message_id = any (cast(:ids as text[]))
   union all
   select n.id, null from jsonb_to_recordset(cast(:hashes as jsonb)) as n (id text, hash text)
    cross join lateral (select from messages m
                         where m.account_id = :account_id and m.channel_id = :channel_id and m.forgotten_id = decode(n.hash, 'hex')
                         limit 1) m`,
);

/** Those messages of this channel, of either direction, that the provider knows by these ids. */
export async function listByProviderIds(
  { db, account_id, vault }: Ctx & Pick<Scope, 'vault'>,
  channel_id: string,
  ids: string[],
): Promise<KnownMessage[]> {
  const hashes = ids.map((id) => ({ id, hash: forgottenId(vault, channel_id, id).toString('hex') }));
  return findByProviderIds(db, { account_id, channel_id, ids, hashes: JSON.stringify(hashes) });
}

/** A message after evidence. */
export interface ProvenMessage extends MessagesRow {
  /** When each fact was known to have happened before. */
  before: Record<Fact, Date | null>;
  /** It was known under another provider's id: it went out twice. */
  is_conflict: boolean;
}

type ProvenRow = MessagesRow & { before: Record<Fact, string | null>; is_conflict: boolean };

/**
 * T5: joins facts to each message. Times take the earlier, errors that of the earlier failure, so that any order and any
 * repetition ends alike; whatever was queued again or in doubt is settled, and the attempt of one in the air ends; what is known to
 * be accepted by that is silent from then on. Of an
 * erased message nothing but facts is kept.
 */
const join = prepare<{ account_id: string; ids: string[]; given: string; stuck_after_s: number }, ProvenRow>(
  'join_evidence',
  `with n as materialized (
    select * from jsonb_to_recordset(cast(:given as jsonb))
      as n (id uuid, first text, error jsonb, provider_message_id text, accepted_at timestamptz, held_at timestamptz, sent_at timestamptz,
            delivered_at timestamptz, read_at timestamptz, failed_at timestamptz)
  ),
  o as (
    select m.account_id, m.id, n.first, n.error, ${freeProviderId('n')} as provider_message_id, m.also_sent_as as also_sent_before,
           n.accepted_at, n.held_at, n.sent_at, n.delivered_at, n.read_at, n.failed_at, m.state = 'sending' as is_sending,
           jsonb_build_object('accepted', m.accepted_at, 'held', m.held_at, 'sent', m.sent_at, 'delivered', m.delivered_at,
                              'read', m.read_at, 'failed', m.failed_at) as before
      from messages m join n on n.id = m.id
     where m.account_id = :account_id and m.id = any (cast(:ids as uuid[]))
     order by m.id for update of m
  ),
  -- Its sender may be gone and never say how it ended: the provider has it.
  tried as (
    update attempts a set finished_at = now(), outcome = 'accepted'
      from o
     where o.is_sending and a.account_id = o.account_id and a.message_id = o.id and a.outcome is null
  )
  update messages m
     set accepted_at = least(m.accepted_at, o.accepted_at), held_at = least(m.held_at, o.held_at),
         sent_at = least(m.sent_at, o.sent_at), delivered_at = least(m.delivered_at, o.delivered_at),
         read_at = least(m.read_at, o.read_at), failed_at = least(m.failed_at, o.failed_at),
         error = case when o.failed_at is not null and (m.failed_at is null or (o.failed_at, o.error ->> 'code') < (m.failed_at, m.error ->> 'code'))
                        then case when m.erased_at is null then o.error else o.error || '{"provider": null}' end
                      when m.failed_at is null then null else m.error end,
         state = case when m.state in ('queued', 'sending', 'unknown') then 'settled' else m.state end,
         lease_until = null,
         -- What waited is settled.
         run_at = case when m.state not in ('queued', 'sending', 'unknown') then m.run_at
                       when o.first = 'accepted' then now() + make_interval(secs => :stuck_after_s) end,
         -- The id that a doubt has is one that we chose: what the provider says beats it.
         provider_message_id = case when m.erased_at is not null then null
                                    when m.status = 'unknown' then coalesce(o.provider_message_id, m.provider_message_id)
                                    else coalesce(m.provider_message_id, o.provider_message_id) end,
         also_sent_as = case when m.erased_at is null and m.status <> 'unknown' and m.provider_message_id <> o.provider_message_id
                                  and o.provider_message_id <> all (m.also_sent_as)
                             then m.also_sent_as || o.provider_message_id else m.also_sent_as end,
         updated_at = now()
    from o
   where m.account_id = o.account_id and m.id = o.id and m.account_id = :account_id and m.id = any (cast(:ids as uuid[]))
  returning ${columnsOf('messages', 'm')}, o.before, m.also_sent_as <> o.also_sent_before as is_conflict`,
);

/** Writes evidence on messages of one channel, whose attendances the caller has locked, each message once. */
export async function joinEvidence(
  { db, account_id }: Ctx,
  given: { id: string; evidence: EvidenceRun }[],
  { stuck_after_s }: Pick<ChannelsRow, 'stuck_after_s'>,
): Promise<ProvenMessage[]> {
  if (given.length === 0) return [];
  const ids = given.map(({ id }) => id);
  const rows = await join(db, { account_id, ids, given: JSON.stringify(given.map(toGiven)), stuck_after_s });
  if (rows.length !== given.length) throw new Error('a message whose attendance is locked is gone');
  return rows.map((row) => ({ ...row, before: toBefore(row.before) }));
}

function toGiven({ id, evidence }: { id: string; evidence: EvidenceRun }) {
  const [first] = evidence;
  const times = Object.fromEntries(evidence.map(({ fact, at }) => [`${fact}_at`, at]));
  const error = evidence.find(({ fact }) => fact === 'failed')?.error ?? null;
  return { id, first: first.fact, error, provider_message_id: first.provider_message_id, ...times };
}

function toBefore(before: ProvenRow['before']): ProvenMessage['before'] {
  const entries = Object.entries(before).map(([fact, at]) => [fact, at === null ? null : new Date(at)]);
  return Object.fromEntries(entries) as ProvenMessage['before'];
}

/** From the strongest: as the column `status` is generated. */
const by_strength = ['read', 'delivered', 'failed', 'sent', 'held', 'accepted'] as const satisfies Fact[];

/** The message as it was when the first `count` of these facts were joined: what is told of one knows of no later one. */
export function messageAfter(message: ProvenMessage, evidence: Evidence[], count: number): MessagesRow {
  const row: MessagesRow = { ...message };
  for (const { fact } of evidence.slice(count)) row[`${fact}_at`] = message.before[fact];
  return { ...row, status: by_strength.find((fact) => row[`${fact}_at`] !== null) ?? row.state };
}
