import type { Scope } from '../../context.ts';
import type { AttendancesRow, MessagesRow } from '../../db/rows.ts';
import { eventOf } from '../attendances/attendance-events.ts';
import { loadAttendances } from '../attendances/attendance-view.ts';
import { changeAttendances } from '../attendances/attendances.repository.ts';
import { cancelQueued } from '../attendances/cancel-queued.ts';
import { lockActiveOf } from '../attendances/receptive.repository.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { EventType, NewEvent } from '../events/events.schema.ts';
import { type Evidence, messageAfter, type ProvenMessage } from '../messages/evidence.repository.ts';
import { listAttempts, toMessage } from '../messages/messages.repository.ts';
import { listLiveTeams } from '../teams/teams.repository.ts';

/** Facts in their order, with the message that they were joined to, and its attendance as it was, locked. */
export interface Proven {
  evidence: Evidence[];
  attendance: AttendancesRow;
  message: ProvenMessage;
}

/** What the nth fact is told as: nothing when it was known. */
export function typesOf({ evidence, message }: Proven, nth: number): EventType[] {
  const fact = evidence[nth]?.fact;
  return [
    ...(fact !== undefined && message.before[fact] === null ? [`message.${fact}` as const] : []),
    ...(nth === 0 && message.is_conflict ? (['message.id_conflict'] as const) : []),
  ];
}

/** Changes the attendances of what is news, and tells of it after what is `told` already. */
export async function followReports(trx: Scope, proven: Proven[], told: NewEvent[]): Promise<void> {
  const followed: Followed[] = [];
  for (const one of proven) followed.push(await follow(trx, one));
  const news = followed.filter(({ tellings }) => tellings.length > 0);
  const rows = await changeAttendances(
    trx,
    news.map(({ attendance: { id, closed_at, close_reason }, status, window_expires_at, tellings }) => {
      return { id, status, closed_at, close_reason, window_expires_at, events: tellings.length };
    }),
  );
  await insertEvents(trx, [...told, ...(await eventsOf(trx, news, rows))]);
  for (const { attendance, status } of news)
    if (status === 'failed' && attendance.status !== 'failed') await cancelQueued(trx, attendance.id);
}

/** An event to come, and the message as it was by then. */
interface Telling {
  type: EventType;
  message: MessagesRow;
}

/** What all facts of a message come to. Of these only a failure, which is alone, and the first may change the status. */
interface Followed {
  attendance: AttendancesRow;
  status: string;
  window_expires_at: Date | null;
  tellings: Telling[];
}

async function follow(trx: Scope, proven: Proven): Promise<Followed> {
  const { evidence, attendance } = proven;
  let { status, window_expires_at } = attendance;
  const tellings: Telling[] = [];
  for (const [nth, one] of evidence.entries()) {
    const types = typesOf(proven, nth);
    const message = messageAfter(proven.message, evidence, nth + 1);
    tellings.push(...types.map((type) => ({ type, message })));
    if (!types.includes(`message.${one.fact}`)) continue;
    const next = await nextStatus(trx, { ...attendance, status, window_expires_at }, message, one);
    window_expires_at = windowAfter(window_expires_at, one);
    if (next === null) continue;
    status = next;
    tellings.push({ type: next === 'open' ? 'attendance.opened' : 'attendance.failed', message });
  }
  return { attendance, status, window_expires_at, tellings };
}

/** What news of a message mean for the attendance, where it began with this message. */
async function nextStatus(
  trx: Scope,
  attendance: AttendancesRow,
  message: MessagesRow,
  { fact }: Evidence,
): Promise<'open' | 'failed' | null> {
  if (attendance.first_message_id !== message.id) return null;
  const has_failed = message.status === 'failed';
  if (attendance.status === 'starting') return has_failed ? 'failed' : 'open';
  // Never reached, though it was accepted; once the contact has written, an attendance does not fail any more.
  if (attendance.status === 'open' && has_failed && fact === 'failed' && attendance.window_expires_at === null)
    return 'failed';
  if (attendance.status !== 'failed' || (fact !== 'delivered' && fact !== 'read')) return null;
  // The fact is kept, whoever is gone by now.
  if (message.erased_at !== null) return null;
  if (attendance.team_id !== null && !(await listLiveTeams(trx, [attendance.team_id])).has(attendance.team_id))
    return null;
  const others = await lockActiveOf(trx, [attendance.contact_id], attendance.channel_id);
  return others.length > 0 ? null : 'open';
}

const window_ms = 24 * 60 * 60 * 1000;

/** 131047: Meta says that the window is shut, and it is the judge, unless the contact wrote after that. */
function windowAfter(window_expires_at: Date | null, { fact, error, at }: Evidence): Date | null {
  const is_shut = fact === 'failed' && error?.code === 'service_window_closed';
  if (!is_shut || window_expires_at === null || window_expires_at <= at) return window_expires_at;
  return window_expires_at.getTime() - window_ms > at.getTime() ? window_expires_at : at;
}

async function eventsOf(trx: Scope, news: Followed[], rows: AttendancesRow[]): Promise<NewEvent[]> {
  const row_of = new Map(rows.map((row) => [row.id, row]));
  const messages = news.flatMap(({ tellings: [first] }) => (first ? [first.message] : []));
  const attempts = await listAttempts(trx, messages);
  const turns = news.flatMap(({ tellings }) => tellings.filter(({ type }) => isOfAttendance(type)));
  const shown = turns.flatMap(({ message }) => row_of.get(message.attendance_id) ?? []);
  const first_messages = turns.map(({ message }) => message);
  const views = new Map((await loadAttendances(trx, shown, 'en', first_messages)).map((view) => [view.id, view]));
  return news.flatMap(({ attendance, tellings }) => {
    const row = row_of.get(attendance.id);
    if (!row) return [];
    return tellings.map(({ type, message }, nth) => {
      const sequence = row.event_sequence - tellings.length + 1 + nth;
      if (isOfAttendance(type)) return eventOf(trx, row, { type, sequence, data: views.get(row.id) });
      const data = toMessage(message, attempts.get(message.id) ?? [], 'en');
      return eventOf(trx, row, { type, sequence, data, message_id: message.id });
    });
  });
}

const isOfAttendance = (type: EventType) => type.startsWith('attendance.');
