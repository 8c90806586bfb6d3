import type { Context, Scope } from '../../context.ts';
import type { AttemptsRow, MessagesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf, table } from '../../db/table.ts';
import type { Language } from '../../problem.ts';
import { toMessageError } from './message-errors.ts';
import type { MessageStatus, MessageView } from './messages.schema.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

/**
 * SQL: the provider's id in `from` for the message `m`, null where another message of its channel has it, such as an echo
 * that was kept as typed. What is told under that id counts all the same; the id stays where it is.
 */
export const freeProviderId = (from: string) => `
  case when not exists (select from messages x
                         where x.account_id = m.account_id and x.channel_id = m.channel_id
                           and x.provider_message_id = ${from}.provider_message_id and x.id <> m.id)
       then ${from}.provider_message_id end`;

export async function findMessage(ctx: Ctx, id: string): Promise<MessagesRow | undefined> {
  return table(ctx, 'messages').where({ id }).first();
}

const findStatuses = prepare<{ accounts: string[]; ids: string[] }, { id: string; status: MessageStatus }>(
  'list_message_statuses',
  `select m.id, m.status from messages m
     join unnest(cast(:accounts as uuid[]), cast(:ids as uuid[])) as k (account_id, id)
       on m.account_id = k.account_id and m.id = k.id`,
);

/** The statuses alone, of messages of any accounts, in the order asked: what waiting requests look at. */
export async function listMessageStatuses(
  { db }: Pick<Context, 'db'>,
  asked: { account_id: string; id: string }[],
): Promise<(MessageStatus | undefined)[]> {
  const rows = await findStatuses(db, { accounts: asked.map((one) => one.account_id), ids: asked.map(({ id }) => id) });
  const by_id = new Map(rows.map(({ id, status }) => [id, status]));
  return asked.map(({ id }) => by_id.get(id));
}

/** Oldest first, `limit + 1` rows. */
export async function listMessages(
  ctx: Ctx,
  attendance_id: string,
  page: { limit: number; after_id: string | null },
): Promise<MessagesRow[]> {
  const query = table(ctx, 'messages')
    .where({ attendance_id })
    .orderBy('id')
    .limit(page.limit + 1);
  return page.after_id === null ? query : query.where('id', '>', page.after_id);
}

const findMessages = prepare<{ accounts: string[]; ids: string[] }, MessagesRow>(
  'list_messages_of',
  `select ${columnsOf('messages', 'm')} from messages m
     join unnest(cast(:accounts as uuid[]), cast(:ids as uuid[])) as k (account_id, id)
       on m.account_id = k.account_id and m.id = k.id`,
);

/** Messages of any accounts by id. */
export async function listMessagesOf(
  { db }: Pick<Context, 'db'>,
  keys: { account_id: string; id: string }[],
): Promise<MessagesRow[]> {
  if (keys.length === 0) return [];
  return findMessages(db, { accounts: keys.map((key) => key.account_id), ids: keys.map((key) => key.id) });
}

const findAttempts = prepare<{ accounts: string[]; messages: string[] }, AttemptsRow>(
  'list_attempts',
  `select ${columnsOf('attempts', 'a')} from attempts a
     join unnest(cast(:accounts as uuid[]), cast(:messages as uuid[])) as k (account_id, message_id)
       on a.account_id = k.account_id and a.message_id = k.message_id
    order by a.message_id, a.number`,
);

/** Attempts of several messages of any accounts, by message, oldest first. */
export async function listAttempts(
  { db }: Pick<Context, 'db'>,
  keys: { account_id: string; id: string }[],
): Promise<Map<string, AttemptsRow[]>> {
  const by_message = new Map<string, AttemptsRow[]>();
  if (keys.length === 0) return by_message;
  const accounts = keys.map((key) => key.account_id);
  const rows = await findAttempts(db, { accounts, messages: keys.map((key) => key.id) });
  for (const row of rows) by_message.set(row.message_id, [...(by_message.get(row.message_id) ?? []), row]);
  return by_message;
}

const iso = (date: Date | null) => date?.toISOString() ?? null;

/** A message as it is shown. */
export function toMessage(row: MessagesRow, attempts: AttemptsRow[], language: Language): MessageView {
  return {
    id: row.id,
    attendance_id: row.attendance_id,
    contact_id: row.contact_id,
    channel_id: row.channel_id,
    direction: row.direction as MessageView['direction'],
    type: row.type,
    text: row.text,
    template: row.template as MessageView['template'],
    media: row.media as MessageView['media'],
    status: row.status as MessageStatus,
    stuck: row.stuck_at !== null && row.status === 'accepted',
    error: toMessageError(row.error, language),
    provider_message_id: row.provider_message_id,
    attempts: attempts.map((attempt) => ({
      number: attempt.number,
      started_at: attempt.started_at.toISOString(),
      finished_at: iso(attempt.finished_at),
      outcome: attempt.outcome as MessageView['attempts'][number]['outcome'],
      error: toMessageError(attempt.error, language),
    })),
    resolutions: row.resolutions as MessageView['resolutions'],
    created_at: row.created_at.toISOString(),
    accepted_at: iso(row.accepted_at),
    held_at: iso(row.held_at),
    sent_at: iso(row.sent_at),
    delivered_at: iso(row.delivered_at),
    read_at: iso(row.read_at),
    failed_at: iso(row.failed_at),
  };
}
