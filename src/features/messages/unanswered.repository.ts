import type { Scope } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;
type Found = Pick<MessagesRow, 'id' | 'attendance_id' | 'contact_id'>;

interface Like {
  account_id: string;
  channel_id: string;
  text: string;
  recipients: string[];
  contacts: string[];
  at: Date;
}

/** Those in the air by their leases, the others by the time of their doubt: neither walks what was settled long ago. */
const findUnansweredLike = prepare<Like, Found & { is_given_up: boolean }>(
  'list_unanswered_like',
  `with alike as materialized (
    select m.id, m.attendance_id, m.contact_id, false as is_given_up, m.channel_id, m.text, m.recipient
      from messages m where m.account_id = :account_id and m.state = 'sending'
       -- A resend in the air has the doubt before it on it, which may be old.
       and abs(extract(epoch from now() - cast(:at as timestamptz))) <= 600
    union all
    select m.id, m.attendance_id, m.contact_id, m.status = 'failed', m.channel_id, m.text, m.recipient
      from messages m
     where m.account_id = :account_id and m.unknown_at is not null
       and m.unknown_at between cast(:at as timestamptz) - interval '10 minutes' and cast(:at as timestamptz) + interval '10 minutes'
       and (m.state in ('unknown', 'queued')
            or (m.status = 'failed' and m.provider_message_id is null and m.error ->> 'code' in ('presumed_lost', 'marked_failed')))
  )
  select id, attendance_id, contact_id, is_given_up from alike
   where channel_id = :channel_id and text = :text
     and (recipient = any (cast(:recipients as text[])) or contact_id = any (cast(:contacts as uuid[])))
   order by is_given_up limit 3`,
);

/**
 * Messages of a channel with this text, to one of these addresses or contacts, in the air, or in doubt since at most 10 minutes: also one
 * that waits to be sent again because of that; only where there is none of these, those that were given up.
 */
export async function listUnansweredLike(
  { db, account_id }: Ctx,
  channel_id: string,
  { text, values, contact_ids, at }: { text: string; values: string[]; contact_ids: string[]; at: Date },
): Promise<Found[]> {
  const asked = { account_id, channel_id, text, recipients: values, contacts: contact_ids, at };
  const alike = await findUnansweredLike(db, asked);
  const is_any_open = alike.some((one) => !one.is_given_up);
  return alike.filter((one) => one.is_given_up !== is_any_open);
}

const findAnyUnanswered = prepare<{ account_id: string; channel_id: string }, { found: number }>(
  'find_any_unanswered',
  `with unanswered as materialized (
    select channel_id from messages
     where account_id = :account_id and state = 'sending' and updated_at < now() - interval '10 seconds'
    union all
    select channel_id from messages
     where account_id = :account_id and unknown_at > now() - interval '10 minutes' and state in ('unknown', 'queued')
  )
  select 1 as found from unanswered where channel_id = :channel_id limit 1`,
);

/**
 * Whether a message of the channel has been in the air for longer than 10 s, or in doubt for at most 10 minutes: the provider may have an id
 * for it that we do not know.
 */
export async function isAnyUnanswered({ db, account_id }: Ctx, channel_id: string): Promise<boolean> {
  return (await findAnyUnanswered(db, { account_id, channel_id })).length > 0;
}

/** Ids of those of these messages, of any accounts, before which no other one of their attendance went out. */
export async function listFirstOut(
  { db }: Pick<Scope, 'db'>,
  messages: { account_id: string; attendance_id: string; id: string }[],
): Promise<Set<string>> {
  if (messages.length === 0) return new Set();
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `select k.id from unnest(cast(:accounts as uuid[]), cast(:attendances as uuid[]), cast(:ids as uuid[])) as k (account_id, attendance_id, id)
      where not exists (select from messages m
                         where m.account_id = k.account_id and m.attendance_id = k.attendance_id and m.direction = 'outbound'
                           and m.id <> k.id and m.status in ('accepted', 'held', 'sent', 'delivered', 'read'))`,
    {
      accounts: messages.map(({ account_id }) => account_id),
      attendances: messages.map(({ attendance_id }) => attendance_id),
      ids: messages.map(({ id }) => id),
    },
  );
  return new Set(rows.map(({ id }) => id));
}
