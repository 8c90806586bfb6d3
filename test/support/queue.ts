import type { Knex } from 'knex';
import type { ClaimedMessage } from '../../src/features/messages/claim.repository.ts';
import type { WrittenOutcome } from '../../src/features/messages/dispatch.repository.ts';

interface Place {
  account_id: string;
  channel_id: string;
}

interface QueueOptions {
  /** The first number, so that several calls do not collide; default 0. */
  from?: number;
  /** Messages to each contact, in one attendance; default 1. */
  each?: number;
  /** Seconds until they are due; default a minute ago. */
  run_in_s?: number;
  /** Seconds until it is too late; default 3600. */
  send_within_s?: number;
}

/** Queues messages to `contacts` contacts as starts would, in one statement; answers the messages' ids in their order. */
export async function queueMessages(
  db: Knex,
  place: Place,
  contacts: number,
  { from = 0, each = 1, run_in_s = -60, send_within_s = 3_600 }: QueueOptions = {},
): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `with person as (
       select gen_random_uuid() as contact_id, gen_random_uuid() as attendance_id, gen_random_uuid() as first_id,
              '+5531' || (900000000 + cast(:from as integer) + i) as phone, i
         from generate_series(1, cast(:contacts as integer)) i
     ),
     one as (
       select p.*, case when k = 1 then first_id else gen_random_uuid() end as message_id, i * 100 + k as place
         from person p cross join generate_series(1, cast(:each as integer)) k
     ),
     contact as (
       insert into contacts (account_id, id, phone, phone_key, created_at, updated_at)
       select :account_id, contact_id, phone, phone, now(), now() from person
     ),
     attendance as (
       insert into attendances (account_id, id, contact_id, channel_id, origin, status, first_message_id, created_at, updated_at)
       select :account_id, attendance_id, contact_id, :channel_id, 'active', 'starting', first_id, now(), now() from person
     ),
     message as (
       insert into messages (account_id, id, attendance_id, contact_id, channel_id, direction, type, text, payload,
                             recipient_kind, recipient, state, run_at, send_before, created_at, updated_at)
       select :account_id, message_id, attendance_id, contact_id, :channel_id, 'outbound', 'text', 'Olá!',
              '{"type": "text", "text": "Olá!"}', 'phone', phone, 'queued',
              now() + make_interval(secs => :run_in_s + place * 0.001),
              now() + make_interval(secs => :send_within_s), now(), now()
         from one
     )
     select message_id as id from one order by place`,
    { ...place, from, contacts, each, run_in_s, send_within_s },
  );
  return rows.map((row) => row.id);
}

export interface MessageFacts {
  id: string;
  state: string;
  status: string;
  attempt: number;
  fence: number | null;
  run_in_s: number | null;
  leased_s: number | null;
  provider_message_id: string | null;
  recipient: string;
  error_code: string | null;
  outcomes: (string | null)[];
}

/** A message as the database has it, with the outcomes of its attempts. */
export async function readFacts(db: Knex, id: string): Promise<MessageFacts> {
  const { rows } = await db.raw<{ rows: MessageFacts[] }>(
    `select id, state, status, attempt, fence, provider_message_id, recipient, error ->> 'code' as error_code,
            extract(epoch from run_at - now())::float as run_in_s, extract(epoch from lease_until - now())::float as leased_s,
            array(select outcome from attempts a where a.account_id = m.account_id and a.message_id = m.id order by number) as outcomes
       from messages m where id = ?`,
    [id],
  );
  const [row] = rows;
  if (!row) throw new Error(`no message ${id}`);
  return row;
}

/** What came of a claimed message; a bad end comes with a provider's error. */
export function outcomeOf(
  { account_id, attendance_id, id, fence, attempt }: ClaimedMessage,
  kind: WrittenOutcome['kind'],
  over: Partial<WrittenOutcome> = {},
): WrittenOutcome {
  const provider = { name: 'evolution', code: '400', message: 'no', trace_id: null };
  const is_bad = kind === 'refused' || kind === 'ambiguous' || kind === 'unavailable';
  return {
    ...{ account_id, attendance_id, message_id: id, fence, attempt, kind, is_held: false, recipient: null },
    provider_message_id: kind === 'accepted' ? `P-${id}` : null,
    error: is_bad ? { code: 'message_invalid', provider } : null,
    run_in_ms: kind === 'unavailable' ? 60_000 : null,
    ...over,
  };
}

/** As the sweep writes it of a lease that has passed. */
export function lostOutcomeOf(message: ClaimedMessage): WrittenOutcome {
  return outcomeOf(message, 'lost', { error: { code: 'provider_answer_lost', provider: null } });
}
