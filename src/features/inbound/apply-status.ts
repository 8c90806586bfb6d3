import type { Scope } from '../../context.ts';
import type { AttendancesRow, ChannelsRow } from '../../db/rows.ts';
import type { InboundStatus } from '../../providers/inbound.ts';
import { eventOf } from '../attendances/attendance-events.ts';
import { loadAttendances } from '../attendances/attendance-view.ts';
import { changeAttendances, lockAttendanceRows } from '../attendances/attendances.repository.ts';
import { cancelQueued } from '../attendances/cancel-queued.ts';
import { lockActiveOf } from '../attendances/receptive.repository.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { EventType, NewEvent } from '../events/events.schema.ts';
import { readCorrelator } from '../messages/correlator.ts';
import {
  type Evidence,
  joinEvidence,
  listReported,
  type ProvenMessage,
  type ReportedAt,
} from '../messages/evidence.repository.ts';
import { listAttempts, toMessage } from '../messages/messages.repository.ts';
import { listLiveTeams } from '../teams/teams.repository.ts';
import { setApart } from './apart.ts';
import type { Applied } from './receive-message.ts';
import { lookUp, type Named, resolvePeople } from './resolve-person.ts';

/** Messages of ours that reports are of, and their recipients, by the place of the report. */
export interface FoundReports {
  found: (Reported['message'] & { place: number })[];
  /** As `found`. */
  named: Named[];
}

export async function findReported(trx: Scope, channel: ChannelsRow, events: InboundStatus[]): Promise<FoundReports> {
  const found = await listReported(trx, channel.id, toReported(trx, events));
  const named = await lookUp(
    trx,
    channel,
    found.map(({ place, contact_id }) => ({ identities: events[place]?.identities ?? [], known_id: contact_id })),
  );
  return { found, named };
}

/**
 * T5: what a provider reports of messages of ours, found by the correlator first, then by the provider's id. `not_found` may
 * be a report that came before the send's own answer: it is worth asking again. Reports of different attendances take as
 * many statements as one; those that share one go one by one. `known`: looked up in this transaction, and nothing applied since.
 */
export async function applyStatuses(
  trx: Scope,
  channel: ChannelsRow,
  events: InboundStatus[],
  known?: FoundReports,
): Promise<(Applied | 'not_found')[]> {
  const outcomes: (Applied | 'not_found')[] = events.map(() => 'not_found');
  const { found, named } = known ?? (await findReported(trx, channel, events));
  const facts = found.map(({ place, ...message }): Reported => {
    const { fact, at, error, provider_message_id, identities } = events[place] as InboundStatus;
    return { message, evidence: { fact, at, error, provider_message_id }, identities };
  });
  const joined = await joinFacts(trx, channel, facts, named);
  for (const [index, { place }] of found.entries()) outcomes[place] = joined[index] ?? 'dropped';
  return outcomes;
}

/** What reports call the messages that they are of. */
function toReported({ vault }: Pick<Scope, 'vault'>, events: InboundStatus[]): ReportedAt[] {
  return events.map(({ correlator, provider_message_id }, place) => {
    const message_id = correlator === null ? null : (readCorrelator(vault, correlator)?.message_id ?? null);
    return { place, message_id, provider_message_id };
  });
}

/** A fact of a message of ours, and what its recipient is called. */
export interface Reported {
  message: { id: string; attendance_id: string; contact_id: string };
  evidence: Evidence;
  identities: InboundStatus['identities'];
}

/** Joins facts to messages, lets their attendances follow, tells of it, and learns what the recipients are called. */
export async function joinFacts(
  trx: Scope,
  channel: ChannelsRow,
  reported: Reported[],
  known?: Named[],
): Promise<Applied[]> {
  if (reported.length === 0) return [];
  const people = reported.map(({ message, identities }) => ({ identities, known_id: message.contact_id }));
  const named = known ?? (await lookUp(trx, channel, people));
  const { together, alone } = setApart(
    reported.map(({ message }, place) => {
      const known = [...(named[place]?.known.keys() ?? [])];
      return { ids: [message.attendance_id, message.contact_id, ...known], is_wide: known.length > 1 };
    }),
  );
  const outcomes: Applied[] = reported.map(() => 'dropped');
  const joined = await joinApart(
    trx,
    channel,
    together.map((place) => ({ ...(reported[place] as Reported), named: named[place] as Named })),
  );
  for (const [index, place] of together.entries()) outcomes[place] = joined[index] ?? 'dropped';
  for (const place of alone) {
    const [outcome] = await joinFacts(trx, channel, [reported[place] as Reported]);
    outcomes[place] = outcome ?? 'dropped';
  }
  return outcomes;
}

/** A fact with the rows that it changes. */
interface Proven {
  evidence: Evidence;
  attendance: AttendancesRow;
  message: ProvenMessage;
}

/** No attendance, message or contact is here twice. */
async function joinApart(
  trx: Scope,
  channel: ChannelsRow,
  reported: (Reported & { named: Named })[],
): Promise<Applied[]> {
  const rows = await lockAttendanceRows(
    trx,
    reported.map(({ message }) => message.attendance_id),
  );
  let row_of = new Map(rows.map((row) => [row.id, row]));
  const there = reported.filter(({ message }) => row_of.has(message.attendance_id));
  const messages = await joinEvidence(
    trx,
    there.map(({ message: { id }, evidence }) => ({ id, ...evidence })),
    channel,
  );
  const message_of = new Map(messages.map((message) => [message.id, message]));
  const called = there.filter(
    ({ message, identities }) => identities.length > 0 && message_of.get(message.id)?.erased_at === null,
  );
  const people = await resolvePeople(
    trx,
    channel,
    called.map(({ named, evidence: { at } }) => ({ named, profile_name: null, at })),
    called.map(({ message }) => message_of.get(message.id)?.contact_id ?? message.contact_id),
  );
  // A merge may have closed one of them or given it to another contact.
  if (called.some(({ named }) => named.known.size > 1))
    row_of = new Map((await lockAttendanceRows(trx, [...row_of.keys()])).map((row) => [row.id, row]));
  const news = there.flatMap(({ message: { id, attendance_id }, evidence }): Proven[] => {
    const message = message_of.get(id);
    const attendance = row_of.get(attendance_id);
    return message && attendance && (message.is_news || message.is_conflict) ? [{ evidence, attendance, message }] : [];
  });
  const told = people.flatMap((one) => one.told);
  await follow(trx, news, told);
  const changed = new Set(news.map(({ message }) => message.id));
  return reported.map(({ message: { id } }) =>
    changed.has(id) ? 'applied' : message_of.has(id) ? 'repeated' : 'dropped',
  );
}

/** What a fact means for the attendance that began with this message. */
async function nextStatus(
  trx: Scope,
  { attendance, message, evidence: { fact } }: Proven,
): Promise<'open' | 'failed' | null> {
  if (attendance.first_message_id !== message.id || !message.is_news) return null;
  const has_failed = message.status === 'failed';
  if (attendance.status === 'starting') return has_failed ? 'failed' : 'open';
  // Never reached, though it was accepted; once the contact has written, an attendance does not fail any more.
  if (attendance.status === 'open' && has_failed && attendance.window_expires_at === null) return 'failed';
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
function windowAfter({ attendance: { window_expires_at }, message, evidence: { fact, error, at } }: Proven) {
  const is_shut = message.is_news && fact === 'failed' && error?.code === 'service_window_closed';
  if (!is_shut || window_expires_at === null || window_expires_at <= at) return window_expires_at;
  return window_expires_at.getTime() - window_ms > at.getTime() ? window_expires_at : at;
}

/** Changes the attendances of what is news, and tells of it after what is `told` already. */
async function follow(trx: Scope, news: Proven[], told: NewEvent[]): Promise<void> {
  const steps: (Proven & { status: 'open' | 'failed' | null; types: EventType[] })[] = [];
  for (const proven of news) {
    const { message, evidence } = proven;
    const types: EventType[] = [
      ...(message.is_news ? [`message.${evidence.fact}` as const] : []),
      ...(message.is_conflict ? (['message.id_conflict'] as const) : []),
    ];
    steps.push({ ...proven, types, status: await nextStatus(trx, proven) });
  }
  const rows = await changeAttendances(
    trx,
    steps.map((step) => {
      const { id, status, closed_at, close_reason } = step.attendance;
      const events = step.types.length + (step.status ? 1 : 0);
      return {
        id,
        status: step.status ?? status,
        closed_at,
        close_reason,
        window_expires_at: windowAfter(step),
        events,
      };
    }),
  );
  const row_of = new Map(rows.map((row) => [row.id, row]));
  const attempts = await listAttempts(
    trx,
    steps.map(({ message }) => message),
  );
  const shown = steps.flatMap(({ attendance, status }) => (status ? (row_of.get(attendance.id) ?? []) : []));
  const views = new Map((await loadAttendances(trx, shown, 'en')).map((view) => [view.id, view]));
  const events = steps.flatMap(({ attendance, message, types, status }) => {
    const row = row_of.get(attendance.id);
    if (!row) return [];
    const data = toMessage(message, attempts.get(message.id) ?? [], 'en');
    const first = row.event_sequence - types.length + (status ? 0 : 1);
    const of_message = types.map((type, place) =>
      eventOf(trx, row, { type, sequence: first + place, data, message_id: message.id }),
    );
    if (!status) return of_message;
    const type = status === 'open' ? 'attendance.opened' : 'attendance.failed';
    return [...of_message, eventOf(trx, row, { type, sequence: row.event_sequence, data: views.get(row.id) })];
  });
  await insertEvents(trx, [...told, ...events]);
  for (const { attendance, status } of steps) if (status === 'failed') await cancelQueued(trx, attendance.id);
}
