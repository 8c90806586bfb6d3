import { type Context, inTransaction } from '../../context.ts';
import type { ChannelNews } from '../../providers/provider.ts';
import { applyChannelNews } from '../channels/apply-channel-news.ts';
import type { AskedWith } from '../channels/channels.repository.ts';
import { type LearnedIdentity, learnIdentities } from '../contacts/contacts.repository.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { EventType, NewEvent } from '../events/events.schema.ts';
import { applyOutcomes, type ChangedMessage, type WrittenOutcome } from '../messages/dispatch.repository.ts';
import { endWhatIsTried } from '../messages/end-what-is-tried.ts';
import type { KeptError } from '../messages/message-errors.ts';
import { listAttempts, toMessage } from '../messages/messages.repository.ts';
import { holdBackLater } from '../messages/order.repository.ts';
import { eventOf } from './attendance-events.ts';
import { loadAttendances } from './attendance-view.ts';
import { followMessages, lockAttendances, type MessageNews } from './attendances.repository.ts';
import { cancelQueued } from './cancel-queued.ts';

/** What came of messages, to be written together. */
export interface Outcomes {
  written: WrittenOutcome[];
  learned: LearnedIdentity[];
  /** By channel, the last word. */
  channel_news: (ChannelNews & { account_id: string; channel_id: string; asked_with?: AskedWith })[];
}

/**
 * T3, T4, T6, T7 and T8 in one transaction: the messages, their attempts, the attendances that follow their first message,
 * the events of all of it. An outcome with a stale fence writes nothing, nor does a resend into an attendance that is over.
 * Attendances are locked before their messages, here as everywhere. Returns how many messages changed.
 */
export async function recordOutcomes(ctx: Context, public_url: string, outcomes: Outcomes): Promise<number> {
  return inTransaction(ctx, async (trx) => {
    const active = await lockAttendances(trx, outcomes.written);
    const written = (await endWhatIsTried(trx, outcomes.written))
      .map((one) => ({ ...one, is_over: !active.has(one.attendance_id) }))
      .filter((one) => one.kind !== 'resend' || !one.is_over);
    const messages = await applyOutcomes(trx, written);
    await holdBackLater(trx, messages);
    // Where an answer has nothing to tell it may still say where the attendance goes.
    const told = messages.filter((message) => message.was_accepted || newsTypes(message).length > 0);
    for (const round of oncePerAttendance(told)) await tellMessages(trx, round);
    await learnIdentities(trx, outcomes.learned);
    await tellChannels(trx, public_url, outcomes.channel_news);
    return messages.length;
  });
}

/** The event of a message's new state; none for one that went back to the queue. */
function newsType({ outcome, held_at, state, was_accepted }: ChangedMessage): EventType | null {
  if (state === 'unknown') return 'message.unknown';
  switch (outcome) {
    case 'accepted':
      if (was_accepted) return null;
      return held_at ? 'message.held' : 'message.accepted';
    case 'marked_sent':
      return 'message.sent';
    case 'ambiguous':
    case 'lost':
      return 'message.unknown';
    case 'refused':
    case 'too_late':
    case 'marked_failed':
    case 'presumed_lost':
      return 'message.failed';
    case 'unavailable':
    case 'given_back':
      return state === 'cancelled' ? 'message.cancelled' : null;
    case 'resend':
      return null;
  }
}

/** The events that tell of a message; a repeat that went out because of a doubt has two. */
function newsTypes(message: ChangedMessage): EventType[] {
  const type = newsType(message);
  return [...(type ? [type] : []), ...(message.is_conflict ? (['message.id_conflict'] as const) : [])];
}

/** Two messages of one attendance cannot take their event numbers in one statement. */
function oncePerAttendance(messages: ChangedMessage[]): ChangedMessage[][] {
  const rounds: Map<string, ChangedMessage>[] = [];
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

function toNews(message: ChangedMessage): MessageNews {
  const { account_id, attendance_id, id: message_id, recipient_kind: kind, recipient: value } = message;
  const becomes = message.state === 'unknown' ? null : message.failed_at ? 'failed' : 'open';
  const went_to = message.outcome === 'accepted' && kind !== null && value !== null ? { kind, value } : null;
  const shuts_window =
    message.outcome === 'refused' && (message.error as KeptError | null)?.code === 'service_window_closed';
  return { account_id, attendance_id, message_id, becomes, events: newsTypes(message).length, shuts_window, went_to };
}

async function tellMessages(trx: Context, messages: ChangedMessage[]): Promise<void> {
  const followed = await followMessages(trx, messages.map(toNews));
  const attempts = await listAttempts(trx, messages);
  const changed = followed.filter((row) => row.has_changed);
  const views = new Map((await loadAttendances(trx, changed, 'en', messages)).map((view) => [view.id, view]));
  const by_message = new Map(followed.map((row) => [row.message_id, row]));
  const events = messages.flatMap((message): NewEvent[] => {
    const attendance = by_message.get(message.id);
    if (!attendance) return [];
    const types = newsTypes(message);
    const last = attendance.event_sequence;
    const data = toMessage(message, attempts.get(message.id) ?? [], 'en');
    const first = last - types.length + (attendance.has_changed ? 0 : 1);
    const told = types.map((type, place) =>
      eventOf(trx, attendance, { type, sequence: first + place, data, message_id: message.id }),
    );
    if (!attendance.has_changed) return told;
    const status_type = attendance.status === 'open' ? 'attendance.opened' : 'attendance.failed';
    return [...told, eventOf(trx, attendance, { type: status_type, sequence: last, data: views.get(attendance.id) })];
  });
  await insertEvents(trx, events);
  const failed = followed.filter((row) => row.has_changed && row.status === 'failed');
  for (const { account_id, id } of failed) await cancelQueued({ ...trx, account_id }, id);
}

async function tellChannels(trx: Context, public_url: string, news: Outcomes['channel_news']): Promise<void> {
  const last = new Map(news.map((one) => [one.channel_id, one]));
  for (const { account_id, channel_id, status, detail, asked_with } of last.values()) {
    const options = asked_with ? { asked_with } : {};
    await applyChannelNews({ ...trx, account_id }, public_url, channel_id, { status, detail }, options);
  }
}
