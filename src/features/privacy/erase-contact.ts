import { isDeepStrictEqual } from 'node:util';
import { inTransaction, type Scope } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { defineProblem } from '../../problem.ts';
import { uuid } from '../../random.ts';
import { eventOf } from '../attendances/attendance-events.ts';
import { loadAttendances } from '../attendances/attendance-view.ts';
import {
  type ErasedAttendance,
  eraseAttendances,
  listAttendanceIds,
  lockAttendancesOfContact,
} from '../attendances/erase.repository.ts';
import { blankContact, lockContact } from '../contacts/change.repository.ts';
import { findContact } from '../contacts/contacts.repository.ts';
import { listMergedInto } from '../contacts/identities.repository.ts';
import { listEventsOfContact, replaceEventData } from '../events/erase.repository.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { EventType } from '../events/events.schema.ts';
import { forgetPerson } from '../inbound/forget-person.ts';
import { eraseMessages, lockMessagesOf } from '../messages/erase.repository.ts';
import { listAttempts, toMessage } from '../messages/messages.repository.ts';
import { contact_not_found } from '../references.ts';
import { blankResponses } from '../webhooks/deliveries.repository.ts';
import { holdEndpoints } from '../webhooks/endpoints.repository.ts';
import { blankEvent } from './blank-event.ts';

export const contact_busy = defineProblem({
  code: 'contact_busy',
  status: 409,
  retryable: true,
  retry_after_s: 5,
  title: { en: 'The contact is being written to', pt: 'Há um envio em andamento para o contato' },
  detail: {
    en: 'A message to this contact is being sent, or attendances with it are being started, right now. Nothing was erased. Try again after the time in Retry-After.',
    pt: 'Uma mensagem para este contato está sendo enviada, ou atendimentos com ele estão sendo iniciados, neste momento. Nada foi apagado. Tente de novo após o tempo em Retry-After.',
  },
  example: { pointer: ':contact_id' },
});

/** Blanks the stored answers of requests that tell of a contact. */
export type EraseAnswers = (ctx: Pick<Scope, 'db' | 'account_id'>, contact_id: string) => Promise<void>;

/** A start or a merge that commits between two of our locks means: look again. */
const most_rounds = 5;

/**
 * Erases a person, in one transaction: the rows stay and are counted, nothing in them says who it was. What is open is
 * closed, what is queued cancelled, what is in doubt given up. Throws `contact_not_found`, `contact_busy`.
 */
export async function eraseContact(scope: Scope, eraseAnswers: EraseAnswers, given_id: string): Promise<void> {
  for (let round = 0; round < most_rounds; round += 1) {
    // That of the survivor, for one that was merged.
    const id = (await findContact(scope, given_id))?.id ?? given_id;
    const counts = await inTransaction(scope, (trx) => eraseOnce(trx, eraseAnswers, id));
    if (!counts) continue;
    scope.log.info({ account_id: scope.account_id, contact_id: id, ...counts }, 'contact.erased');
    return;
  }
  throw contact_busy({ pointer: ':contact_id' });
}

/**
 * Null, and nothing done, when an attendance was started meanwhile, or the contact was merged into another one. Locks go attendance,
 * message, contact: as everywhere.
 */
async function eraseOnce(trx: Scope, eraseAnswers: EraseAnswers, id: string) {
  const attendance_ids = await lockAttendancesOfContact(trx, id);
  const before = await lockMessagesOf(trx, attendance_ids);
  if (before.some((message) => message.state === 'sending')) throw contact_busy({ pointer: ':contact_id' });
  const contact = await lockContact(trx, id);
  if (!contact && !(await findContact(trx, id))) throw contact_not_found({ pointer: ':contact_id', params: { id } });
  if (contact?.id !== id) return null;
  // From here on none can be started: its foreign key to a living contact waits for us.
  if (!isDeepStrictEqual(await listAttendanceIds(trx, id), attendance_ids)) return null;

  await forgetPerson(trx, [...contact.phone_digits.split(' '), ...contact.identities.map((one) => one.value)]);
  const erased_at = trx.now();
  const changes = new Map(before.map((message) => [message.id, newsOf(message)]));
  const messages = await eraseMessages(trx, attendance_ids, before, erased_at);
  const told = messages.filter((message) => changes.get(message.id));
  const attendances = await eraseAttendances(trx, id, countByAttendance(told), erased_at);
  await blankContact(trx, id, erased_at);
  const events = await blankEvents(trx, id);
  // After the events: that waits for who is showing a delivery of one, and keeps an answer with it.
  for (const one of [id, ...(await listMergedInto(trx, id))]) await eraseAnswers(trx, one);
  await tell(trx, { id, erased_at, attendances, told, changes });
  return { attendances: attendances.length, messages: messages.length, events };
}

function newsOf({ state, status, unknown_at }: Pick<MessagesRow, 'state' | 'status' | 'unknown_at'>): EventType | null {
  if (state === 'queued') return unknown_at === null ? 'message.cancelled' : 'message.failed';
  return status === 'unknown' ? 'message.failed' : null;
}

function countByAttendance(messages: MessagesRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { attendance_id } of messages) counts.set(attendance_id, (counts.get(attendance_id) ?? 0) + 1);
  return counts;
}

const events_at_once = 500;

/**
 * Blanks all that was told of the contact, and what webhook endpoints answered to it; returns how many events that were. Endpoints are
 * held from the last moment on: what they were told until then is hidden, and of what they are told afterwards nobody is named.
 */
async function blankEvents(trx: Scope, contact_id: string): Promise<number> {
  const ids: string[] = [];
  for (;;) {
    const events = await listEventsOfContact(trx, contact_id, ids.at(-1) ?? null, events_at_once);
    await replaceEventData(
      trx,
      events.map(({ id, type, data }) => ({ id, type, data: blankEvent(type, data) })),
    );
    for (const { id } of events) ids.push(id);
    if (events.length < events_at_once) break;
  }
  await holdEndpoints(trx);
  for (let first = 0; first < ids.length; first += events_at_once)
    await blankResponses(trx, ids.slice(first, first + events_at_once));
  return ids.length;
}

interface Erased {
  id: string;
  erased_at: Date;
  attendances: ErasedAttendance[];
  told: MessagesRow[];
  changes: Map<string, EventType | null>;
}

/** Per attendance its messages in their order, then its close; last of all that the contact is erased. */
async function tell(trx: Scope, { id, erased_at, attendances, told, changes }: Erased): Promise<void> {
  const attempts = await listAttempts(trx, told);
  const closed = attendances.filter((attendance) => attendance.was_live);
  const views = new Map((await loadAttendances(trx, closed, 'en')).map((view) => [view.id, view]));
  const events = attendances.flatMap((attendance) => {
    const first = attendance.event_sequence - attendance.taken + 1;
    const of_messages = told
      .filter((message) => message.attendance_id === attendance.id)
      .map((message, place) =>
        eventOf(trx, attendance, {
          type: changes.get(message.id) ?? 'message.failed',
          sequence: first + place,
          data: toMessage(message, attempts.get(message.id) ?? [], 'en'),
          message_id: message.id,
        }),
      );
    if (!attendance.was_live) return of_messages;
    const data = views.get(attendance.id);
    const sequence = attendance.event_sequence;
    return [...of_messages, eventOf(trx, attendance, { type: 'attendance.closed', sequence, data })];
  });
  await insertEvents(trx, [
    ...events,
    {
      account_id: trx.account_id,
      id: uuid(),
      type: 'contact.erased',
      attendance_id: null,
      attendance_sequence: null,
      contact_id: id,
      data: { id, erased_at: erased_at.toISOString() },
      created_at: trx.now(),
    },
  ]);
}
