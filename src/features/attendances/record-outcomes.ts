import { v7 as uuid } from 'uuid';
import { type Context, inTransaction } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import type { ChannelNews } from '../../providers/provider.ts';
import { applyChannelNews } from '../channels/apply-channel-news.ts';
import { type LearnedIdentity, learnIdentities } from '../contacts/contacts.repository.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { EventType, NewEvent } from '../events/events.schema.ts';
import { applyOutcomes, type WrittenOutcome } from '../messages/dispatch.repository.ts';
import { listAttempts, toMessage } from '../messages/messages.repository.ts';
import { loadAttendances } from './attendance-view.ts';
import { type FollowedAttendance, followMessages, type MessageNews } from './attendances.repository.ts';

/** What came of messages, to be written together. */
export interface Outcomes {
  written: WrittenOutcome[];
  learned: LearnedIdentity[];
  /** By channel, the last word. */
  channel_news: (ChannelNews & { account_id: string; channel_id: string })[];
}

/**
 * T3, T4 and T8 in one transaction: the messages, their attempts, the attendances that follow their first message, the
 * events of all of it. An outcome with a stale fence writes nothing. Returns how many messages changed.
 */
export async function recordOutcomes(ctx: Context, public_url: string, outcomes: Outcomes): Promise<number> {
  return inTransaction(ctx, async (trx) => {
    const messages = await applyOutcomes(trx, outcomes.written);
    const told = messages.filter((message) => newsType(message) !== null);
    for (const round of oncePerAttendance(told)) await tellMessages(trx, round);
    await learnIdentities(trx, outcomes.learned);
    await tellChannels(trx, public_url, outcomes.channel_news);
    return messages.length;
  });
}

/** The event of a message's new state; none for one that went back to the queue. */
function newsType(message: MessagesRow): EventType | null {
  if (message.state === 'unknown') return 'message.unknown';
  if (message.state !== 'settled') return null;
  if (message.failed_at) return 'message.failed';
  return message.held_at ? 'message.held' : 'message.accepted';
}

/** Two messages of one attendance cannot take their event numbers in one statement. */
function oncePerAttendance(messages: MessagesRow[]): MessagesRow[][] {
  const rounds: Map<string, MessagesRow>[] = [];
  for (const message of messages) {
    let round = rounds.find((one) => !one.has(message.attendance_id));
    if (!round) {
      round = new Map();
      rounds.push(round);
    }
    round.set(message.attendance_id, message);
  }
  return rounds.map((round) => [...round.values()]);
}

function toNews(message: MessagesRow): MessageNews {
  const becomes = message.state === 'unknown' ? null : message.failed_at ? 'failed' : 'open';
  return { account_id: message.account_id, attendance_id: message.attendance_id, message_id: message.id, becomes };
}

async function tellMessages(trx: Context, messages: MessagesRow[]): Promise<void> {
  const followed = await followMessages(trx, messages.map(toNews));
  const attempts = await listAttempts(trx, messages);
  const changed = followed.filter((row) => row.has_changed);
  const views = new Map((await loadAttendances(trx, changed, 'en')).map((view) => [view.id, view]));
  const by_message = new Map(followed.map((row) => [row.message_id, row]));
  const events = messages.flatMap((message): NewEvent[] => {
    const attendance = by_message.get(message.id);
    const type = newsType(message);
    if (!attendance || !type) return [];
    const last = attendance.event_sequence;
    const told = eventOf(
      trx,
      attendance,
      type,
      attendance.has_changed ? last - 1 : last,
      toMessage(message, attempts.get(message.id) ?? [], 'en'),
    );
    if (!attendance.has_changed) return [told];
    const status_type = attendance.status === 'open' ? 'attendance.opened' : 'attendance.failed';
    return [told, eventOf(trx, attendance, status_type, last, views.get(attendance.id))];
  });
  await insertEvents(trx, events);
}

function eventOf(
  ctx: Pick<Context, 'now'>,
  row: FollowedAttendance,
  type: EventType,
  sequence: number,
  data: unknown,
): NewEvent {
  return {
    account_id: row.account_id,
    id: uuid(),
    type,
    attendance_id: row.id,
    attendance_sequence: sequence,
    contact_id: row.contact_id,
    data,
    created_at: ctx.now(),
  };
}

async function tellChannels(trx: Context, public_url: string, news: Outcomes['channel_news']): Promise<void> {
  const last = new Map(news.map((one) => [one.channel_id, one]));
  for (const { account_id, channel_id, status, detail } of last.values()) {
    await applyChannelNews({ ...trx, account_id }, public_url, channel_id, { status, detail });
  }
}
