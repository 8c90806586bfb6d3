import type { Scope } from '../../context.ts';
import type { ChannelsRow, MessagesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf, table } from '../../db/table.ts';
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
                        where account_id = :account_id and id = n.id offset 0) m`,
);

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

/** A message after evidence, with what was known before. */
export interface ProvenMessage extends MessagesRow {
  /** The fact was not there before. */
  is_news: boolean;
  /** It was known under another provider's id: it went out twice. */
  is_conflict: boolean;
}

/**
 * T5: joins a fact to each message. Times take the earlier, errors that of the earlier failure, so that any order and any
 * repetition ends alike; whatever was queued again or in doubt is settled, and the attempt of one in the air ends; what is known to
 * be accepted by that is silent from then on. Of an
 * erased message nothing but facts is kept.
 */
const join = prepare<{ account_id: string; ids: string[]; given: string; stuck_after_s: number }, ProvenMessage>(
  'join_evidence',
  `with n as materialized (
    select * from jsonb_to_recordset(cast(:given as jsonb)) as n (id uuid, fact text, at timestamptz, error jsonb, provider_message_id text)
  ),
  o as (
    select m.account_id, m.id, n.fact, n.at, n.error, ${freeProviderId('n')} as provider_message_id, m.also_sent_as as also_sent_before,
           m.state = 'sending' as is_sending,
           coalesce(case n.fact when 'accepted' then m.accepted_at when 'held' then m.held_at when 'sent' then m.sent_at
                                when 'delivered' then m.delivered_at when 'read' then m.read_at else m.failed_at end) as known_at
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
     set accepted_at = case o.fact when 'accepted' then least(m.accepted_at, o.at) else m.accepted_at end,
         held_at = case o.fact when 'held' then least(m.held_at, o.at) else m.held_at end,
         sent_at = case o.fact when 'sent' then least(m.sent_at, o.at) else m.sent_at end,
         delivered_at = case o.fact when 'delivered' then least(m.delivered_at, o.at) else m.delivered_at end,
         read_at = case o.fact when 'read' then least(m.read_at, o.at) else m.read_at end,
         failed_at = case o.fact when 'failed' then least(m.failed_at, o.at) else m.failed_at end,
         error = case when o.fact = 'failed' and (m.failed_at is null or (o.at, o.error ->> 'code') < (m.failed_at, m.error ->> 'code'))
                        then case when m.erased_at is null then o.error else o.error || '{"provider": null}' end
                      when m.failed_at is null then null else m.error end,
         state = case when m.state in ('queued', 'sending', 'unknown') then 'settled' else m.state end,
         lease_until = null,
         -- What waited is settled.
         run_at = case when m.state not in ('queued', 'sending', 'unknown') then m.run_at
                       when o.fact = 'accepted' then now() + make_interval(secs => :stuck_after_s) end,
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
  returning ${columnsOf('messages', 'm')}, o.known_at is null as is_news, m.also_sent_as <> o.also_sent_before as is_conflict`,
);

/** Writes evidence on messages of one channel, whose attendances the caller has locked, each message once. */
export async function joinEvidence(
  { db, account_id }: Ctx,
  given: (Evidence & { id: string })[],
  { stuck_after_s }: Pick<ChannelsRow, 'stuck_after_s'>,
): Promise<ProvenMessage[]> {
  if (given.length === 0) return [];
  const ids = given.map(({ id }) => id);
  const rows = await join(db, { account_id, ids, given: JSON.stringify(given), stuck_after_s });
  if (rows.length !== given.length) throw new Error('a message whose attendance is locked is gone');
  return rows;
}

export interface InboundRow {
  id: string;
  attendance_id: string;
  contact_id: string;
  channel_id: string;
  direction: 'inbound' | 'outbound';
  type: string;
  text: string | null;
  media: unknown;
  provider_message_id: string;
  received_at: Date;
  /** For what a person of the company typed on the phone. */
  echo: { address_kind: string; address: string; sent_at: Date } | null;
}

const received_columns = `id uuid, attendance_id uuid, contact_id uuid, channel_id uuid, direction text, type text, text text,
  media jsonb, provider_message_id text, state text, payload jsonb, recipient_kind text, recipient text, sent_at timestamptz,
  received_at timestamptz`;

const insertAll = prepare<{ account_id: string; given: string }, MessagesRow>(
  'insert_received',
  `insert into messages as m (account_id, id, attendance_id, contact_id, channel_id, direction, type, text, media, provider_message_id,
                             state, payload, recipient_kind, recipient, sent_at, created_at, updated_at)
  select cast(:account_id as uuid), n.id, n.attendance_id, n.contact_id, n.channel_id, n.direction, n.type, n.text, n.media,
         n.provider_message_id, n.state, n.payload, n.recipient_kind, n.recipient, n.sent_at, n.received_at, n.received_at
    from jsonb_to_recordset(cast(:given as jsonb)) as n (${received_columns})
   order by n.id
  on conflict do nothing
  returning ${columnsOf('messages', 'm')}`,
);

/** What contacts wrote, or the company on the phone. A message whose provider's id is known by now is missing in the answer. */
export async function insertReceived({ db, account_id }: Ctx, given: InboundRow[]): Promise<MessagesRow[]> {
  if (given.length === 0) return [];
  const rows = given.map(({ echo, ...row }) =>
    echo === null
      ? { ...row, state: 'received' }
      : {
          ...row,
          state: 'settled',
          payload: { type: 'echo' },
          recipient_kind: echo.address_kind,
          recipient: echo.address,
          sent_at: echo.sent_at,
        },
  );
  return insertAll(db, { account_id, given: JSON.stringify(rows) });
}

/**
 * An edit or a withdrawal by the contact, in whatever order they come: the last edit counts, and none after a withdrawal. Returns
 * whether a message was changed.
 */
export async function changeReceived(
  ctx: Ctx,
  channel_id: string,
  provider_message_id: string,
  change: { kind: 'edit' | 'revoke'; text: string | null; at: Date },
): Promise<boolean> {
  const at = change.at.toISOString();
  const note = change.kind === 'edit' ? { edited_at: at } : { revoked_at: at };
  const query = table(ctx, 'messages')
    .where({ channel_id, provider_message_id, direction: 'inbound' })
    .whereNull('erased_at');
  if (change.kind === 'edit') {
    query.whereRaw(`coalesce(media ->> 'revoked_at', '') = ''`);
    query.whereRaw(`coalesce(cast(media ->> 'edited_at' as timestamptz), '-infinity') <= cast(? as timestamptz)`, [at]);
  }
  const changed = await query.update({
    text: change.kind === 'edit' ? change.text : null,
    media: ctx.db.raw(`coalesce(media, '{}') || cast(? as jsonb)`, [JSON.stringify(note)]),
    updated_at: ctx.db.fn.now(),
  });
  return changed > 0;
}
