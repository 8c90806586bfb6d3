import type { Scope } from '../../context.ts';
import type { AttendancesRow, ChannelsRow, MessagesRow } from '../../db/rows.ts';
import type { InboundMessage } from '../../providers/inbound.ts';
import { eventOf } from '../attendances/attendance-events.ts';
import { loadAttendances } from '../attendances/attendance-view.ts';
import { changeAttendances } from '../attendances/attendances.repository.ts';
import type { AttendanceView } from '../attendances/attendances.schema.ts';
import { insertReceptive, lockActiveOf } from '../attendances/receptive.repository.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { EventType, NewEvent } from '../events/events.schema.ts';
import { listByProviderIds } from '../messages/evidence.repository.ts';
import { toMessage } from '../messages/messages.repository.ts';
import { insertReceived } from '../messages/received.repository.ts';
import { findDefaultTeam } from '../teams/teams.repository.ts';
import { setApart } from './apart.ts';
import { type Opened, openAttendances } from './open-attendances.ts';
import { lookUp, type Named, type Resolved, resolvePeople } from './resolve-person.ts';

/** Where an item stands: the ids of its rows follow from it, so that repeats and orders end alike. */
export interface Place {
  /** Of the message that it may become; in the order of arrival. */
  message_id: string;
  received_at: Date;
}

export type Applied = 'applied' | 'repeated' | 'dropped';

/** A message, and where it stands. */
export interface Received {
  event: InboundMessage;
  place: Place;
}

/** One that is looked up: known senders, and the attendance of the message that it answers. */
interface Met extends Received {
  named: Named;
  replied_id: string | null;
}

/** Whom messages are from, as far as we know them, in the order of the messages. */
export function findSenders(trx: Scope, channel: ChannelsRow, given: Received[]): Promise<Named[]> {
  const people = given.map(({ event }) => ({ identities: event.from.identities, known_id: null }));
  return lookUp(trx, channel, people);
}

/**
 * What contacts wrote: each joins the open attendance, reopens a closed one as the channel says, or opens a receptive one in
 * the channel's default team. What opens nothing (a reaction) joins or is dropped. A repeat has no second effect. Messages
 * of different people take as many statements as that of one; those that turn out to be of one person go one by one. `senders`:
 * looked up in this transaction, and nothing applied since.
 */
export async function receiveMessages(
  trx: Scope,
  channel: ChannelsRow,
  given: Received[],
  senders?: Named[],
): Promise<Applied[]> {
  if (given.length === 0) return [];
  const named = senders ?? (await findSenders(trx, channel, given));
  const ids = given.flatMap(({ event: { provider_message_id, reply_to } }) => [provider_message_id, reply_to]);
  const rows = await listByProviderIds(trx, channel.id, [...new Set(ids.filter((id) => id !== null))]);
  const attendance_of = new Map(rows.map((row) => [row.provider_message_id, row.attendance_id]));
  const met = given.map((one, place): Met => {
    const { reply_to } = one.event;
    const replied_id = reply_to === null ? null : (attendance_of.get(reply_to) ?? null);
    return { ...one, named: named[place] as Named, replied_id };
  });
  const outcomes: Applied[] = given.map(({ event: { provider_message_id } }) =>
    attendance_of.has(provider_message_id) ? 'repeated' : 'dropped',
  );
  const is_due = met.map(
    ({ event, named: { known } }, place) => outcomes[place] !== 'repeated' && (event.opens || known.size > 0),
  );
  const due = met.flatMap((one, place) => (is_due[place] ? [{ one, place }] : []));
  const { together, alone } = setApart(
    due.map(({ one: { named } }) => ({ ids: [...named.known.keys()], is_wide: named.known.size > 1 })),
  );
  const at = (places: number[]) => places.flatMap((place) => due[place] ?? []);
  const kept = await keep(
    trx,
    channel,
    at(together).map(({ one }) => one),
  );
  for (const [index, { place }] of at(together).entries()) outcomes[place] = kept[index] ? 'applied' : 'dropped';
  for (const { one, place } of at(alone)) {
    const [outcome] = await receiveMessages(trx, channel, [one]);
    outcomes[place] = outcome ?? 'dropped';
  }
  return outcomes;
}

/** A message with its contact and its attendance as that will be; no attendance, and it is dropped. */
interface Joined extends Met {
  contact: Resolved;
  opened: Opened | null;
}

/** Whether each was kept. Two of one person are never here together. */
async function keep(trx: Scope, channel: ChannelsRow, met: Met[]): Promise<boolean[]> {
  if (met.length === 0) return [];
  const known_ids = met.flatMap(({ named }) => [...named.known.keys()]);
  const is_merging = met.some(({ named }) => named.known.size > 1);
  // Attendances before contacts, here as everywhere; a merge locks and moves them itself.
  const locked = is_merging ? [] : await lockActiveOf(trx, known_ids, channel.id);
  const contacts = await resolvePeople(
    trx,
    channel,
    met.map(({ event, named }) => ({ named, profile_name: event.from.profile_name, at: event.at })),
  );
  const active = is_merging ? await lockActiveOf(trx, idsOf(contacts), channel.id) : locked;
  const asked = met.map(({ event, replied_id }, place) => {
    const { id: contact_id, is_new } = contacts[place] as Resolved;
    return { event, replied_id, contact_id, is_new };
  });
  const openings = await openAttendances(trx, channel, asked, active);
  const joined = met.map(
    (one, place): Joined => ({ ...one, contact: contacts[place] as Resolved, opened: openings[place] ?? null }),
  );
  await insertEvents(trx, await write(trx, channel, joined));
  return joined.map(({ opened }) => opened !== null);
}

const idsOf = (contacts: Resolved[]) => contacts.map(({ id }) => id);

/** Writes attendances and messages; returns what there is to tell, contact by contact. */
async function write(trx: Scope, channel: ChannelsRow, joined: Joined[]): Promise<NewEvent[]> {
  const all = joined.flatMap((one) => (one.opened ? [{ ...one, opened: one.opened }] : []));
  const rows = [...(await insertNew(trx, channel, all)), ...(await changeOthers(trx, all))];
  const row_of = new Map(rows.map((row) => [row.id, row]));
  const messages = await insertReceived(trx, all.map(toRow(channel)));
  // A twin of this body was faster: all of this is undone with the error, and found as a repeat next time.
  if (messages.length !== all.length) throw new Error('the message was received meanwhile');
  const message_of = new Map(messages.map((message) => [message.id, message]));
  const shown = all
    .filter(({ opened: { types } }) => types.length > 1)
    .map(({ opened: { attendance } }) => attendance.id);
  const shown_rows = shown.flatMap((id) => row_of.get(id) ?? []);
  const views = await loadAttendances(trx, shown_rows, 'en');
  const view_of = new Map(views.map((view) => [view.id, view]));
  return joined.flatMap(({ contact, opened, place }) => {
    const row = opened && row_of.get(opened.attendance.id);
    const message = message_of.get(place.message_id);
    const told = row && message ? eventsOf(trx, row, opened.types, message, view_of.get(row.id)) : [];
    return [...contact.told, ...told];
  });
}

type Kept = Joined & { opened: Opened };

async function insertNew(trx: Scope, channel: ChannelsRow, all: Kept[]): Promise<AttendancesRow[]> {
  const fresh = all.filter(({ opened }) => opened.is_new);
  if (fresh.length === 0) return [];
  const team_id = channel.default_team_id ?? (await findDefaultTeam(trx)) ?? null;
  const rows = fresh.map(({ contact, opened: { attendance, address, types } }) => {
    const { id, window_expires_at } = attendance;
    return {
      id,
      contact_id: contact.id,
      channel_id: channel.id,
      team_id,
      address_kind: address?.kind ?? null,
      address: address?.value ?? null,
      window_expires_at,
      event_sequence: types.length,
    };
  });
  return insertReceptive(trx, rows);
}

async function changeOthers(trx: Scope, all: Kept[]): Promise<AttendancesRow[]> {
  const others = all.filter(({ opened }) => !opened.is_new);
  return changeAttendances(
    trx,
    others.map(({ opened: { attendance, address, types } }) => {
      const { id, status, closed_at, close_reason, window_expires_at } = attendance;
      return { id, status, closed_at, close_reason, window_expires_at, address, events: types.length };
    }),
  );
}

function toRow({ id: channel_id }: ChannelsRow) {
  return ({ event, place, contact, opened }: Kept) => ({
    id: place.message_id,
    attendance_id: opened.attendance.id,
    contact_id: contact.id,
    channel_id,
    direction: 'inbound' as const,
    type: event.type,
    text: event.text,
    media: event.reply_to === null ? event.media : { ...event.media, reply_to: event.reply_to },
    provider_message_id: event.provider_message_id,
    received_at: place.received_at,
    echo: null,
  });
}

function eventsOf(
  trx: Scope,
  row: AttendancesRow,
  types: EventType[],
  message: MessagesRow,
  view: AttendanceView | undefined,
): NewEvent[] {
  const first = row.event_sequence - types.length + 1;
  return types.map((type, place) =>
    type === 'message.received'
      ? eventOf(trx, row, { type, sequence: first + place, data: toMessage(message, [], 'en'), message_id: message.id })
      : eventOf(trx, row, { type, sequence: first + place, data: view }),
  );
}
