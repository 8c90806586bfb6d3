import type { Scope } from '../../context.ts';
import type { AttendancesRow, ChannelsRow } from '../../db/rows.ts';
import type { InboundStatus } from '../../providers/inbound.ts';
import { eventOf } from '../attendances/attendance-events.ts';
import { loadAttendances } from '../attendances/attendance-view.ts';
import { changeAttendance, lockAttendance } from '../attendances/attendances.repository.ts';
import { cancelQueued } from '../attendances/cancel-queued.ts';
import { lockActiveOf } from '../attendances/receptive.repository.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { EventType } from '../events/events.schema.ts';
import { readCorrelator } from '../messages/correlator.ts';
import { type Evidence, findReported, joinEvidence, type ProvenMessage } from '../messages/evidence.repository.ts';
import { listAttempts, toMessage } from '../messages/messages.repository.ts';
import type { Applied } from './receive-message.ts';
import { resolvePerson } from './resolve-person.ts';

/**
 * T5: what a provider reports of a message of ours, found by the correlator first, then by the provider's id. `not_found` may
 * be a report that came before the send's own answer: it is worth asking again.
 */
export async function applyStatus(
  trx: Scope,
  channel: ChannelsRow,
  event: InboundStatus,
): Promise<Applied | 'not_found'> {
  const named = event.correlator === null ? null : readCorrelator(trx.vault, event.correlator);
  const { provider_message_id } = event;
  const found = await findReported(trx, channel.id, { message_id: named?.message_id ?? null, provider_message_id });
  if (!found) return 'not_found';
  return joinFact(
    trx,
    channel,
    found,
    { fact: event.fact, at: event.at, error: event.error, provider_message_id },
    event,
  );
}

/** Joins a fact to a message, lets its attendance follow, tells of it, and learns what the recipient is called. */
export async function joinFact(
  trx: Scope,
  channel: ChannelsRow,
  found: { id: string; attendance_id: string },
  evidence: Evidence,
  { identities }: Pick<InboundStatus, 'identities'>,
): Promise<Applied> {
  const attendance = await lockAttendance(trx, found.attendance_id);
  if (!attendance) return 'dropped';
  const message = await joinEvidence(trx, found.id, evidence);
  if (message.erased_at === null && identities.length > 0)
    await resolvePerson(trx, channel, { identities, profile_name: null }, evidence.at, message.contact_id);
  if (!message.is_news && !message.is_conflict) return 'repeated';
  await follow(trx, attendance, message, evidence);
  return 'applied';
}

/** What a fact means for the attendance that began with this message. */
async function nextStatus(
  trx: Scope,
  attendance: AttendancesRow,
  message: ProvenMessage,
  { fact }: Evidence,
): Promise<'open' | 'failed' | null> {
  if (attendance.first_message_id !== message.id || !message.is_news) return null;
  const has_failed = message.status === 'failed';
  if (attendance.status === 'starting') return has_failed ? 'failed' : 'open';
  // Never reached, though it was accepted; once the contact has written, an attendance does not fail any more.
  if (attendance.status === 'open' && has_failed && attendance.window_expires_at === null) return 'failed';
  if (attendance.status !== 'failed' || (fact !== 'delivered' && fact !== 'read')) return null;
  const other = await lockActiveOf(trx, attendance.contact_id, attendance.channel_id);
  return other ? null : 'open';
}

/** 131047: Meta says that the window is shut, and it is the judge. */
function shutWindow({ window_expires_at }: AttendancesRow, { is_news }: ProvenMessage, { fact, error, at }: Evidence) {
  const is_shut = is_news && fact === 'failed' && error?.code === 'service_window_closed';
  return is_shut && window_expires_at !== null && window_expires_at > at ? { window_expires_at: at } : {};
}

async function follow(
  trx: Scope,
  attendance: AttendancesRow,
  message: ProvenMessage,
  evidence: Evidence,
): Promise<void> {
  const status = await nextStatus(trx, attendance, message, evidence);
  const of_message: EventType[] = [
    ...(message.is_news ? [`message.${evidence.fact}` as const] : []),
    ...(message.is_conflict ? (['message.id_conflict'] as const) : []),
  ];
  const taken = of_message.length + (status ? 1 : 0);
  const change = { ...(status ? { status } : {}), ...shutWindow(attendance, message, evidence) };
  const row = await changeAttendance(trx, attendance.id, change, taken);
  const attempts = await listAttempts(trx, [message]);
  const data = toMessage(message, attempts.get(message.id) ?? [], 'en');
  const first = row.event_sequence - taken + 1;
  const events = of_message.map((type, place) =>
    eventOf(trx, row, { type, sequence: first + place, data, message_id: message.id }),
  );
  if (status) {
    const [view] = await loadAttendances(trx, [row], 'en');
    const type = status === 'open' ? 'attendance.opened' : 'attendance.failed';
    events.push(eventOf(trx, row, { type, sequence: row.event_sequence, data: view }));
  }
  await insertEvents(trx, events);
  if (status === 'failed') await cancelQueued(trx, attendance.id);
}
