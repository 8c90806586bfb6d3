import type { Context } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf } from '../../db/table.ts';
import type { Address } from '../../providers/provider.ts';
import type { KeptError } from './message-errors.ts';
import { freeProviderId } from './messages.repository.ts';

type Ctx = Pick<Context, 'db'>;

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
  /** For `unavailable`: said so often of this message by the provider's own code, it is final. */
  most_tries?: number;
  /** For `resend`: seconds it has to be sent in. */
  send_within_s?: number;
  resolution?: Resolution;
  /** For `accepted`: seconds of silence after which that is news. */
  stuck_after_s?: number;
  /** For `refused`: by us, without a call or after several in vain: a doubt of an earlier attempt stays one. */
  is_unsent?: boolean;
  /** The attendance was closed meanwhile: what surely was not sent is cancelled and not tried again. */
  is_over?: boolean;
}

/** A message after an outcome of this kind was written. */
export interface ChangedMessage extends MessagesRow {
  outcome: OutcomeKind;
  /** A report had come under another provider's id: it went out twice. */
  is_conflict: boolean;
  /** Its acceptance was known before, by evidence that overtook the answer: told then, and not again. */
  was_accepted: boolean;
}

/** SQL: a provider has reported the message `m` under another id than `g`, its own answer, gives. */
const is_other_id = `(g.kind = 'accepted' and m.status in ('accepted', 'held', 'sent', 'delivered', 'read', 'failed')
  and m.provider_message_id <> g.provider_message_id)`;

/** SQL: what the answer `g` adds where evidence of the acceptance overtook it: another id, or the address for the phone. */
const adds_to_evidence = `((${is_other_id} and g.provider_message_id <> all (m.also_sent_as) and ${freeProviderId('g')} is not null)
  or (m.recipient_kind = 'phone' and g.recipient ->> 'kind' <> 'phone'))`;

/** The error of a message that may or may not have gone out. */
export const lost_answer = `'{"code": "provider_answer_lost", "provider": null}'::jsonb`;

/**
 * SQL: the message `m` was in doubt, was to be sent again because of it, and will not be: it is in doubt as before, for the
 * attempt that led to it may have arrived.
 */
const is_doubt_again = `(m.unknown_at is not null
  and (g.kind = 'too_late' or (g.kind = 'refused' and coalesce(g.is_unsent, false))
       or (g.kind in ('unavailable', 'given_back') and coalesce(g.is_over, false))))`;

/** T3, T4, T6, T7 and T8, of many messages at once. First writer wins; a stale fence writes nothing. */
const apply = prepare<{ outcomes: string }, ChangedMessage>(
  'apply_outcomes',
  `
  with given as (
    select * from jsonb_to_recordset(cast(:outcomes as jsonb)) as o (
      account_id uuid, message_id uuid, fence bigint, attempt integer, kind text, provider_message_id text,
      is_held boolean, error jsonb, recipient jsonb, run_in_ms double precision, send_within_s integer, resolution jsonb,
      is_over boolean, is_unsent boolean, stuck_after_s integer)
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
       set state = case when ${is_doubt_again} then 'unknown'
                        when g.kind in ('unavailable', 'given_back') and g.is_over then 'cancelled'
                        when g.kind in ('unavailable', 'given_back', 'resend') then 'queued'
                        when g.kind in ('ambiguous', 'lost') then 'unknown' else 'settled' end,
           run_at = case when ${is_doubt_again} then now()
                         when g.kind = 'unavailable' then now() + make_interval(secs => g.run_in_ms / 1000)
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
           failed_at = case when ${is_doubt_again} then m.failed_at
                            when g.kind in ('refused', 'too_late', 'marked_failed', 'presumed_lost')
                            then coalesce(m.failed_at, now()) else m.failed_at end,
           -- What the provider says beats the id that we chose, but not one that it has reported.
           provider_message_id = case when g.kind = 'accepted' and ${is_other_id} is not true
                                        then coalesce(${freeProviderId('g')}, m.provider_message_id)
                                      else coalesce(m.provider_message_id, ${freeProviderId('g')}) end,
           also_sent_as = case when ${is_other_id} and g.provider_message_id <> all (m.also_sent_as)
                               then array_remove(array_append(m.also_sent_as, ${freeProviderId('g')}), null) else m.also_sent_as end,
           error = case when ${is_doubt_again} then ${lost_answer}
                        when g.kind in ('accepted', 'marked_sent') and m.failed_at is null then null
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
             when 'accepted' then m.fence = g.fence and (m.accepted_at is null or ${adds_to_evidence})
                                  and m.state in ('sending', 'unknown', 'queued', 'settled', 'cancelled')
             -- Of the doubt that was looked at, and not of one that its resend has led to since.
             when 'resend' then m.status = 'unknown' and m.attempt = g.attempt
             when 'marked_sent' then m.status = 'unknown' and m.attempt = g.attempt
             when 'marked_failed' then m.status = 'unknown' and m.attempt = g.attempt
             when 'presumed_lost' then m.status = 'unknown' and m.attempt = g.attempt
             when 'refused' then m.fence = g.fence and m.state in ('sending', 'unknown')
             when 'lost' then m.fence = g.fence and m.state = 'sending' and m.lease_until <= now()
             else m.fence = g.fence and m.state = 'sending' end
    returning ${columnsOf('messages', 'm')}, g.kind as outcome,
              -- Told once: what this statement has added, its own view of the table does not have.
              g.kind = 'accepted' and g.provider_message_id = any (m.also_sent_as)
                and not exists (select from messages b where b.account_id = m.account_id and b.id = m.id
                                                         and g.provider_message_id = any (b.also_sent_as)) as is_conflict,
              g.kind = 'accepted' and exists (select from messages b where b.account_id = m.account_id and b.id = m.id
                                                                       and b.accepted_at is not null) as was_accepted
  )
  select * from applied`,
);

/** Writes outcomes and returns the messages that they changed. */
export async function applyOutcomes({ db }: Ctx, outcomes: WrittenOutcome[]): Promise<ChangedMessage[]> {
  return apply(db, { outcomes: JSON.stringify(outcomes) });
}

export interface OverdueMessage {
  account_id: string;
  attendance_id: string;
  channel_id: string;
  id: string;
  fence: number | null;
  attempt: number;
}

const listLost = prepare<{ limit: number }, OverdueMessage>(
  'list_lost_messages',
  `select account_id, attendance_id, channel_id, id, fence, attempt from messages where state = 'sending' and lease_until <= now() limit :limit`,
);

/** Messages whose lease has passed without an outcome; at most `limit`. */
export async function listLostMessages({ db }: Ctx, limit: number): Promise<OverdueMessage[]> {
  return listLost(db, { limit });
}

const listLate = prepare<{ limit: number }, OverdueMessage>(
  'list_late_messages',
  `select account_id, attendance_id, channel_id, id, fence, attempt from messages where state = 'queued' and send_before <= now() limit :limit`,
);

/** Messages still queued after the time by which they had to be sent; at most `limit`. */
export async function listLateMessages({ db }: Ctx, limit: number): Promise<OverdueMessage[]> {
  return listLate(db, { limit });
}
