import type { Scope } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { columnsOf, table } from '../../db/table.ts';
import type { KeptError } from './message-errors.ts';

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

type Found = Pick<MessagesRow, 'id' | 'attendance_id'>;

/** Our outbound message of this channel: by its id, where a correlator named it, else by the provider's. */
export async function findReported(
  ctx: Ctx,
  channel_id: string,
  { message_id, provider_message_id }: { message_id: string | null; provider_message_id: string | null },
): Promise<Found | undefined> {
  const ours = () =>
    table(ctx, 'messages').where({ channel_id, direction: 'outbound' }).select('id', 'attendance_id').first();
  if (message_id !== null) {
    const named = await ours().where({ id: message_id });
    if (named) return named;
  }
  if (provider_message_id === null) return undefined;
  const known = await ours().where({ provider_message_id });
  if (known) return known;
  return ours().whereRaw(`also_sent_as <> '{}' and also_sent_as @> array[?]`, [provider_message_id]);
}

/** Any message of this channel by the provider's id. */
export async function findByProviderId(
  ctx: Ctx,
  channel_id: string,
  provider_message_id: string,
): Promise<MessagesRow | undefined> {
  return table(ctx, 'messages').where({ channel_id, provider_message_id }).first();
}

/** A message after evidence, with what was known before. */
export interface ProvenMessage extends MessagesRow {
  /** The fact was not there before. */
  is_news: boolean;
  /** It was known under another provider's id: it went out twice. */
  is_conflict: boolean;
}

const has_fact = (fact: Fact) => `o.${fact}_at is not null`;

/**
 * T5: joins a fact to a message. Times take the earlier, errors that of the earlier failure, so that any order and any
 * repetition ends alike; whatever was queued again or in doubt is settled. Of an erased message nothing but facts is kept.
 */
const join = `
  with o as (
    select * from messages where account_id = :account_id and id = :id for update
  )
  update messages m
     set accepted_at = case :fact when 'accepted' then least(m.accepted_at, :at) else m.accepted_at end,
         held_at = case :fact when 'held' then least(m.held_at, :at) else m.held_at end,
         sent_at = case :fact when 'sent' then least(m.sent_at, :at) else m.sent_at end,
         delivered_at = case :fact when 'delivered' then least(m.delivered_at, :at) else m.delivered_at end,
         read_at = case :fact when 'read' then least(m.read_at, :at) else m.read_at end,
         failed_at = case :fact when 'failed' then least(m.failed_at, :at) else m.failed_at end,
         error = case when :fact = 'failed' and (m.failed_at is null or (cast(:at as timestamptz), cast(:error as jsonb) ->> 'code')
                                                                        < (m.failed_at, m.error ->> 'code'))
                        then case when m.erased_at is null then cast(:error as jsonb)
                                  else cast(:error as jsonb) || '{"provider": null}' end
                      when m.failed_at is null then null else m.error end,
         state = case when m.state in ('queued', 'sending', 'unknown') then 'settled' else m.state end,
         lease_until = null,
         -- What waited is settled; nobody knows since when it was silent.
         run_at = case when m.state in ('queued', 'sending', 'unknown') then null else m.run_at end,
         -- The id that a doubt has is one that we chose: what the provider says beats it.
         provider_message_id = case when m.erased_at is not null then null
                                    when m.status = 'unknown'
                                      then coalesce(cast(:provider_message_id as text), m.provider_message_id)
                                    else coalesce(m.provider_message_id, cast(:provider_message_id as text)) end,
         also_sent_as = case when m.erased_at is null and m.status <> 'unknown' and m.provider_message_id <> cast(:provider_message_id as text)
                                  and cast(:provider_message_id as text) <> all (m.also_sent_as)
                             then m.also_sent_as || cast(:provider_message_id as text) else m.also_sent_as end,
         updated_at = now()
    from o
   where m.account_id = o.account_id and m.id = o.id
  returning ${columnsOf('messages', 'm')},
            not (case :fact when 'accepted' then ${has_fact('accepted')} when 'held' then ${has_fact('held')}
                            when 'sent' then ${has_fact('sent')} when 'delivered' then ${has_fact('delivered')}
                            when 'read' then ${has_fact('read')} else ${has_fact('failed')} end) as is_news,
            m.also_sent_as <> o.also_sent_as as is_conflict`;

/** Writes evidence on a message whose attendance the caller has locked. */
export async function joinEvidence(
  { db, account_id }: Ctx,
  id: string,
  { fact, at, error, provider_message_id }: Evidence,
): Promise<ProvenMessage> {
  const { rows } = await db.raw<{ rows: ProvenMessage[] }>(join, {
    account_id,
    id,
    fact,
    at,
    error: error === null ? null : JSON.stringify(error),
    provider_message_id,
  });
  const [row] = rows;
  if (!row) throw new Error('a message whose attendance is locked is gone');
  return row;
}

/** Messages of a channel with this text, to one of these addresses, in the air or in doubt for at most 10 minutes. */
export async function listUnansweredLike(
  ctx: Ctx,
  channel_id: string,
  { text, values, at }: { text: string; values: string[]; at: Date },
): Promise<Found[]> {
  return table(ctx, 'messages')
    .where({ channel_id, text })
    .whereIn('state', ['sending', 'unknown'])
    .whereRaw('recipient = any (cast(? as text[]))', [values])
    .whereRaw(`abs(extract(epoch from coalesce(unknown_at, now()) - cast(? as timestamptz))) <= 600`, [at])
    .select('id', 'attendance_id')
    .limit(2);
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

/** What the contact wrote, or the company on the phone. False when the provider's id is known by now. */
export async function insertReceived({ db, account_id }: Ctx, row: InboundRow): Promise<MessagesRow | undefined> {
  const { received_at, media, echo, ...given } = row;
  const [inserted] = await db('messages')
    .insert({
      account_id,
      ...given,
      media: media === null ? null : JSON.stringify(media),
      state: echo ? 'settled' : 'received',
      ...(echo
        ? {
            payload: '{"type":"echo"}',
            recipient_kind: echo.address_kind,
            recipient: echo.address,
            sent_at: echo.sent_at,
          }
        : {}),
      created_at: received_at,
      updated_at: received_at,
    })
    .onConflict()
    .ignore()
    .returning('*');
  return inserted;
}

/** An edit or a withdrawal by the contact. Undefined when we never had the message. */
export async function changeReceived(
  ctx: Ctx,
  channel_id: string,
  provider_message_id: string,
  change: { text: string | null; note: Record<string, string> },
): Promise<void> {
  await table(ctx, 'messages')
    .where({ channel_id, provider_message_id, direction: 'inbound' })
    .whereNull('erased_at')
    .update({
      text: change.text,
      media: ctx.db.raw(`coalesce(media, '{}') || cast(? as jsonb)`, [JSON.stringify(change.note)]),
      updated_at: ctx.db.fn.now(),
    });
}
