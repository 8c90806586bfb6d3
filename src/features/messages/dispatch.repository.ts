import type { Context } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf } from '../../db/table.ts';
import { next_turn_ms, paid_senders, recipient_pace_ms, takenSenders } from '../../lanes/pace.ts';
import type { Address, OutboundContent } from '../../providers/provider.ts';
import type { KeptError } from './message-errors.ts';
import { freeProviderId } from './messages.repository.ts';

type Ctx = Pick<Context, 'db'>;

/** A message that this process may send until its lease ends. */
export interface ClaimedMessage {
  account_id: string;
  id: string;
  attendance_id: string;
  contact_id: string;
  channel_id: string;
  recipient_kind: Address['kind'];
  recipient: string;
  payload: OutboundContent;
  attempt: number;
  fence: number;
}

/** One that nobody ended, by death or accident, takes no seat for longer than twice the lease. */
const attempt_ends = `
  select coalesce(a.finished_at, 'infinity') as ends_at from attempts a
   where a.account_id = s.account_id and a.channel_id = s.channel_id
     and coalesce(a.finished_at, 'infinity') > now() - interval '1 second'
     and (a.finished_at is not null or a.started_at > now() - 2 * cast(:lease as interval))`;

/**
 * T2 in one statement. `waiting` hops over the queue's index from sender to sender, to each one's oldest message (no scan of a
 * long queue), `taken` locks the senders whose turn it is, `picked` takes their oldest due messages whose contact got none in
 * the last 6 s, and no two for one contact. The 6 s count from the end of an attempt, as one that hangs may still arrive.
 */
const claim = prepare<
  { free: number; lease: string; recipient_pace: string },
  { claimed: ClaimedMessage[] | null; again_in_ms: string | null }
>(
  'claim_messages',
  `
  with recursive waiting as (
    (select account_id, channel_id, run_at from messages where state = 'queued'
      order by account_id, channel_id, run_at limit 1)
    union all
    select n.account_id, n.channel_id, n.run_at
      from waiting w
     cross join lateral (
       select m.account_id, m.channel_id, m.run_at from messages m
        where m.state = 'queued' and (m.account_id, m.channel_id) > (w.account_id, w.channel_id)
        order by m.account_id, m.channel_id, m.run_at limit 1) n
  ),
  due as (select account_id, channel_id from waiting where run_at <= now()),
  ${takenSenders(attempt_ends)},
  picked as (
    select m.account_id, m.id,
           row_number() over (partition by m.account_id, m.channel_id, m.contact_id order by m.run_at, m.id) as place
      from taken t
     cross join lateral (
       select q.account_id, q.id, q.channel_id, q.contact_id, q.run_at from messages q
        where q.account_id = t.account_id and q.channel_id = t.channel_id and q.state = 'queued'
          and q.run_at <= now() and q.send_before > now()
          and not exists (
            select 1 from attempts a
             where a.account_id = q.account_id and a.channel_id = q.channel_id and a.contact_id = q.contact_id
               and a.started_at > now() - 2 * cast(:lease as interval) - cast(:recipient_pace as interval)
               and (a.outcome is null or (a.outcome not in ('unavailable', 'given_back')
                                          and a.finished_at > now() - cast(:recipient_pace as interval))))
        order by q.run_at, q.id
        limit greatest(0, least(floor(t.available), t.seats, t.share))
          for update skip locked) m
  ),
  claimed as (
    update messages m
       set state = 'sending', attempt = m.attempt + 1, fence = nextval('fences'),
           lease_until = now() + cast(:lease as interval), updated_at = now()
      from picked p
     where p.place = 1 and m.account_id = p.account_id and m.id = p.id and m.state = 'queued'
    returning m.account_id, m.id, m.attendance_id, m.contact_id, m.channel_id, m.recipient_kind, m.recipient,
              m.payload, m.attempt, m.fence
  ),
  tried as (
    insert into attempts (account_id, message_id, number, fence, channel_id, contact_id, started_at)
    select account_id, id, attempt, fence, channel_id, contact_id, now() from claimed
  ),
  ${paid_senders}
  select (select jsonb_agg(to_jsonb(claimed)) from claimed) as claimed, ${next_turn_ms} as again_in_ms`,
);

/** Takes at most `free` due messages, fairly between accounts and within each sender's pace. */
export async function claimMessages(
  { db }: Ctx,
  free: number,
  lease_ms: number,
): Promise<{ claimed: ClaimedMessage[]; again_in_ms: number | null }> {
  const [row] = await claim(db, {
    free,
    lease: `${lease_ms} milliseconds`,
    recipient_pace: `${recipient_pace_ms} milliseconds`,
  });
  return { claimed: row?.claimed ?? [], again_in_ms: row?.again_in_ms == null ? null : Number(row.again_in_ms) };
}

export type OutcomeKind =
  | 'accepted'
  | 'refused'
  | 'unavailable'
  | 'given_back'
  | 'ambiguous'
  | 'lost'
  | 'too_late'
  | 'resend'
  | 'marked_sent'
  | 'marked_failed'
  | 'presumed_lost';

/** What a person or a policy decided of a doubt, as it is kept on the message. */
export interface Resolution {
  action: 'resend' | 'mark_sent' | 'mark_failed';
  reason: string | null;
  decided_by: { policy: string | null; api_key_id: string | null; actor: { id?: string; name?: string } | null };
  at: string;
}

/** What became of one attempt, of one queued message, or of one doubt; how it is written is the table in docs/dispatch.md. */
export interface WrittenOutcome {
  account_id: string;
  attendance_id: string;
  message_id: string;
  /** Null for what no claim precedes. */
  fence: number | null;
  attempt: number;
  kind: OutcomeKind;
  provider_message_id: string | null;
  is_held: boolean;
  error: KeptError | null;
  /** The address the provider gave for the phone; kept, so that it is asked for once. */
  recipient: Address | null;
  /** For `unavailable`: milliseconds until it is due again. */
  run_in_ms: number | null;
  /** For `resend`: seconds it has to be sent in. */
  send_within_s?: number;
  resolution?: Resolution;
  /** For `accepted`: seconds of silence after which that is news. */
  stuck_after_s?: number;
  /** The attendance was closed meanwhile: what surely was not sent is cancelled and not tried again. */
  is_over?: boolean;
}

/** A message after an outcome of this kind was written. */
export interface ChangedMessage extends MessagesRow {
  outcome: OutcomeKind;
}

/** T3, T4, T6, T7 and T8, of many messages at once. First writer wins; a stale fence writes nothing. */
const apply = prepare<{ outcomes: string }, ChangedMessage>(
  'apply_outcomes',
  `
  with given as (
    select * from jsonb_to_recordset(cast(:outcomes as jsonb)) as o (
      account_id uuid, message_id uuid, fence bigint, attempt integer, kind text, provider_message_id text,
      is_held boolean, error jsonb, recipient jsonb, run_in_ms double precision, send_within_s integer, resolution jsonb,
      is_over boolean, stuck_after_s integer)
  ),
  tried as (
    update attempts a
       set finished_at = now(), outcome = g.kind, error = g.error
      from given g
     where a.account_id = g.account_id and a.message_id = g.message_id and a.number = g.attempt and a.fence = g.fence
       and g.kind in ('accepted', 'refused', 'unavailable', 'given_back', 'ambiguous', 'lost')
       and (a.outcome is null or (a.outcome = 'lost' and g.kind in ('accepted', 'refused')))
  ),
  applied as (
    update messages m
       set state = case when g.kind in ('unavailable', 'given_back') and g.is_over then 'cancelled'
                        when g.kind in ('unavailable', 'given_back', 'resend') then 'queued'
                        when g.kind in ('ambiguous', 'lost') then 'unknown' else 'settled' end,
           run_at = case when g.kind = 'unavailable' then now() + make_interval(secs => g.run_in_ms / 1000)
                         -- Due; or a doubt that the policy looks at.
                         when g.kind in ('given_back', 'resend', 'ambiguous', 'lost') then now()
                         -- When its silence is news; one that is held back may be silent.
                         when g.kind = 'accepted' then case when g.is_held then null else now() + make_interval(secs => g.stuck_after_s) end
                         else m.run_at end,
           unknown_at = case when g.kind in ('ambiguous', 'lost') then now() else m.unknown_at end,
           send_before = case g.kind when 'resend' then now() + make_interval(secs => g.send_within_s) else m.send_before end,
           resolutions = m.resolutions || case when g.resolution is null then '[]' else jsonb_build_array(g.resolution) end,
           accepted_at = case when g.kind = 'accepted' then coalesce(m.accepted_at, now()) else m.accepted_at end,
           held_at = case when g.kind = 'accepted' and g.is_held then coalesce(m.held_at, now()) else m.held_at end,
           sent_at = case g.kind when 'marked_sent' then coalesce(m.sent_at, now()) else m.sent_at end,
           failed_at = case when g.kind in ('refused', 'too_late', 'marked_failed', 'presumed_lost')
                            then coalesce(m.failed_at, now()) else m.failed_at end,
           -- What the provider says beats the id that we chose.
           provider_message_id = case g.kind when 'accepted' then coalesce(${freeProviderId('g')}, m.provider_message_id)
                                             else coalesce(m.provider_message_id, g.provider_message_id) end,
           error = case when g.kind in ('accepted', 'marked_sent') and m.failed_at is null then null
                        when g.kind in ('accepted', 'given_back', 'resend') then m.error
                        -- Why it waited so long, or was in doubt, where a provider had said it.
                        when g.kind in ('too_late', 'marked_failed', 'presumed_lost')
                          then g.error || jsonb_build_object('provider', m.error -> 'provider')
                        else g.error end,
           recipient_kind = coalesce(g.recipient ->> 'kind', m.recipient_kind),
           recipient = coalesce(g.recipient ->> 'value', m.recipient),
           lease_until = null,
           updated_at = now()
      from given g
     where m.account_id = g.account_id and m.id = g.message_id
       and case g.kind
             when 'too_late' then m.state = 'queued' and m.send_before <= now()
             -- Whatever was decided meanwhile: a resend that waits is not sent, a fact that is there stays.
             when 'accepted' then m.fence = g.fence and m.accepted_at is null
                                  and m.state in ('sending', 'unknown', 'queued', 'settled', 'cancelled')
             -- Of the doubt that was looked at, and not of one that its resend has led to since.
             when 'resend' then m.status = 'unknown' and m.attempt = g.attempt
             when 'marked_sent' then m.status = 'unknown' and m.attempt = g.attempt
             when 'marked_failed' then m.status = 'unknown' and m.attempt = g.attempt
             when 'presumed_lost' then m.status = 'unknown' and m.attempt = g.attempt
             when 'refused' then m.fence = g.fence and m.state in ('sending', 'unknown')
             when 'lost' then m.fence = g.fence and m.state = 'sending' and m.lease_until <= now()
             else m.fence = g.fence and m.state = 'sending' end
    returning ${columnsOf('messages', 'm')}, g.kind as outcome
  )
  select * from applied`,
);

/** Writes outcomes and returns the messages that they changed. */
export async function applyOutcomes({ db }: Ctx, outcomes: WrittenOutcome[]): Promise<ChangedMessage[]> {
  return apply(db, { outcomes: JSON.stringify(outcomes) });
}

interface OverdueMessage {
  account_id: string;
  attendance_id: string;
  id: string;
  fence: number | null;
  attempt: number;
}

/** Messages whose lease has passed without an outcome; at most `limit`. */
export async function listLostMessages({ db }: Ctx, limit: number): Promise<OverdueMessage[]> {
  const { rows } = await db
    .raw<{ rows: OverdueMessage[] }>(
      `select account_id, attendance_id, id, fence, attempt from messages where state = 'sending' and lease_until <= now() limit ?`,
      [limit],
    )
    .options({ name: 'list_lost_messages' });
  return rows;
}

/** Messages still queued after the time by which they had to be sent; at most `limit`. */
export async function listLateMessages({ db }: Ctx, limit: number): Promise<OverdueMessage[]> {
  const { rows } = await db
    .raw<{ rows: OverdueMessage[] }>(
      `select account_id, attendance_id, id, fence, attempt from messages where state = 'queued' and send_before <= now() limit ?`,
      [limit],
    )
    .options({ name: 'list_late_messages' });
  return rows;
}
