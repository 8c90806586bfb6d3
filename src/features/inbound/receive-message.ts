import { v7 as uuid } from 'uuid';
import type { Scope } from '../../context.ts';
import type { AttendancesRow, ChannelsRow, MessagesRow } from '../../db/rows.ts';
import type { InboundMessage, InboundPerson } from '../../providers/inbound.ts';
import type { Address } from '../../providers/provider.ts';
import { eventOf } from '../attendances/attendance-events.ts';
import { loadAttendances } from '../attendances/attendance-view.ts';
import { changeAttendance } from '../attendances/attendances.repository.ts';
import {
  findReopenable,
  insertReceptive,
  lockActiveOf,
  type ReceptiveAttendance,
} from '../attendances/receptive.repository.ts';
import { insertEvents } from '../events/events.repository.ts';
import type { EventType } from '../events/events.schema.ts';
import { findByProviderId, insertReceived } from '../messages/evidence.repository.ts';
import { toMessage } from '../messages/messages.repository.ts';
import { findDefaultTeam } from '../teams/teams.repository.ts';
import { isKnown, resolvePerson } from './resolve-person.ts';

const window_ms = 24 * 60 * 60 * 1000;

/** Where an item stands: the ids of its rows follow from it, so that repeats and orders end alike. */
export interface Place {
  /** Of the message that it may become; in the order of arrival. */
  message_id: string;
  received_at: Date;
}

export type Applied = 'applied' | 'repeated' | 'dropped';

/**
 * What a contact wrote: it joins the open attendance, reopens a closed one as the channel says, or opens a receptive one in
 * the channel's default team. What opens nothing (a reaction) joins or is dropped. A repeat has no second effect.
 */
export async function receiveMessage(
  trx: Scope,
  channel: ChannelsRow,
  event: InboundMessage,
  place: Place,
): Promise<Applied> {
  if (await findByProviderId(trx, channel.id, event.provider_message_id)) return 'repeated';
  if (!event.opens && !(await isKnown(trx, channel, event.from))) return 'dropped';
  const contact = await resolvePerson(trx, channel, event.from, event.at);
  const active = await lockActiveOf(trx, contact.id, channel.id);
  if (!active && !event.opens) return 'dropped';
  const { attendance, changes } = await openFor(trx, channel, contact.id, event, active);
  const message = await insertReceived(trx, {
    id: place.message_id,
    attendance_id: attendance.id,
    contact_id: contact.id,
    channel_id: channel.id,
    direction: 'inbound',
    type: event.type,
    text: event.text,
    media: event.reply_to === null ? event.media : { ...event.media, reply_to: event.reply_to },
    provider_message_id: event.provider_message_id,
    received_at: place.received_at,
    echo: null,
  });
  // A twin of this body was faster: all of this is undone with the error, and found as a repeat next time.
  if (!message) throw new Error('the message was received meanwhile');
  const opened = event.opens ? openWindow(attendance, event.at) : null;
  await tell(trx, attendance, { changes, message, opened });
  return 'applied';
}

interface Opened {
  attendance: AttendancesRow;
  /** What happened to the attendance itself, to be told. */
  changes: EventType[];
}

/** The attendance that a message belongs to: the active one, one that it brings back, or a new one. */
async function openFor(
  trx: Scope,
  channel: ChannelsRow,
  contact_id: string,
  event: InboundMessage,
  active: AttendancesRow | undefined,
): Promise<Opened> {
  // The contact answers: whatever became of the first message, they have been reached.
  if (active?.status === 'starting')
    return { attendance: { ...active, status: 'open' }, changes: ['attendance.opened'] };
  if (active) return { attendance: active, changes: [] };
  const replied = event.reply_to === null ? undefined : await findByProviderId(trx, channel.id, event.reply_to);
  const before = await findReopenable(trx, {
    contact_id,
    channel_id: channel.id,
    closed_after: new Date(trx.now().getTime() - channel.reopen_within_s * 1000),
    replied_id: replied?.attendance_id ?? null,
  });
  if (before)
    return {
      attendance: { ...before, status: 'open', closed_at: null, close_reason: null },
      changes: ['attendance.opened'],
    };
  const attendance = await insertReceptive(trx, await toReceptive(trx, channel, contact_id, event.from));
  return { attendance, changes: ['attendance.started', 'attendance.opened'] };
}

async function toReceptive(
  trx: Scope,
  channel: ChannelsRow,
  contact_id: string,
  person: InboundPerson,
): Promise<ReceptiveAttendance> {
  const address = addressOf(person);
  return {
    id: uuid(),
    contact_id,
    channel_id: channel.id,
    team_id: channel.default_team_id ?? (await findDefaultTeam(trx)) ?? null,
    address_kind: address?.kind ?? null,
    address: address?.value ?? null,
  };
}

/** Where an answer goes: what the provider itself calls the person, never rewritten. */
export function addressOf({ identities }: InboundPerson): Address | null {
  for (const kind of ['wa_id', 'lid', 'phone', 'bsuid', 'parent_bsuid'] as const) {
    const found = identities.find((one) => one.kind === kind);
    if (found) return found;
  }
  return null;
}

/** The later end of the service window, and whether it was shut before. */
function openWindow({ window_expires_at: before }: AttendancesRow, at: Date) {
  const expires_at = new Date(at.getTime() + window_ms);
  const was_open = before !== null && before > at;
  return { expires_at: before !== null && before > expires_at ? before : expires_at, was_open };
}

interface Told {
  changes: EventType[];
  message: MessagesRow;
  opened: { expires_at: Date; was_open: boolean } | null;
}

/** Writes the attendance as it is now, and what happened: the attendance first, then the message, then the window. */
async function tell(trx: Scope, attendance: AttendancesRow, { changes, message, opened }: Told): Promise<void> {
  const types: EventType[] = [
    ...changes,
    'message.received',
    ...(opened && !opened.was_open ? (['service_window.opened'] as const) : []),
  ];
  const { status, closed_at, close_reason } = attendance;
  const window = opened ? { window_expires_at: opened.expires_at } : {};
  const row = await changeAttendance(trx, attendance.id, { status, closed_at, close_reason, ...window }, types.length);
  const [view] = await loadAttendances(trx, [row], 'en');
  const first = row.event_sequence - types.length + 1;
  await insertEvents(
    trx,
    types.map((type, place) =>
      type === 'message.received'
        ? eventOf(trx, row, {
            type,
            sequence: first + place,
            data: toMessage(message, [], 'en'),
            message_id: message.id,
          })
        : eventOf(trx, row, { type, sequence: first + place, data: view }),
    ),
  );
}
