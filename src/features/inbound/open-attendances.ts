import type { Scope } from '../../context.ts';
import type { AttendancesRow, ChannelsRow } from '../../db/rows.ts';
import type { InboundMessage } from '../../providers/inbound.ts';
import type { Address } from '../../providers/provider.ts';
import { uuid } from '../../random.ts';
import { lockReopenable } from '../attendances/receptive.repository.ts';
import type { EventType } from '../events/events.schema.ts';
import { listLiveTeams } from '../teams/teams.repository.ts';
import { addressOf, phoneOf } from './resolve-person.ts';

const window_ms = 24 * 60 * 60 * 1000;

/** An attendance as a message leaves it. */
export interface Opened {
  attendance: Pick<AttendancesRow, 'id' | 'status' | 'closed_at' | 'close_reason' | 'window_expires_at'>;
  is_new: boolean;
  /** Where it goes from now on; null: where it went. */
  address: Address | null;
  /** What happened, to be told: the attendance first, then the message, then the window. */
  types: EventType[];
}

/** A message of a contact, and the attendance of the message that it answers. */
export interface Asked {
  event: InboundMessage;
  replied_id: string | null;
  contact_id: string;
  is_new: boolean;
}

/**
 * The attendance that each message belongs to: the active one, one that it brings back, or a new one; none for what opens
 * nothing. Nothing is written yet.
 */
export async function openAttendances(
  trx: Scope,
  channel: ChannelsRow,
  asked: Asked[],
  active: AttendancesRow[],
): Promise<(Opened | null)[]> {
  const active_of = new Map(active.map((row) => [row.contact_id, row]));
  const returning = asked.filter(
    ({ event, contact_id, is_new }) => event.opens && !is_new && !active_of.has(contact_id),
  );
  const closed_after = new Date(trx.now().getTime() - channel.reopen_within_s * 1000);
  const back = await lockReopenable(trx, {
    returning: returning.map(({ contact_id, replied_id }) => ({ contact_id, replied_id })),
    channel_id: channel.id,
    closed_after,
  });
  // Nobody works in a team that is archived: its attendances stay as they are, and a new one is opened.
  const teams = await listLiveTeams(
    trx,
    back.flatMap(({ team_id }) => team_id ?? []),
  );
  const can_open = back.filter(({ team_id }) => team_id === null || teams.has(team_id));
  const back_of = new Map(can_open.map((row) => [row.contact_id, row]));
  return asked.map(({ event, contact_id }) => openOne(event, active_of.get(contact_id), back_of.get(contact_id)));
}

function openOne(
  event: InboundMessage,
  active: AttendancesRow | undefined,
  before: AttendancesRow | undefined,
): Opened | null {
  if (!active && !event.opens) return null;
  const row = active ?? before;
  const window_expires_at = event.opens ? laterEnd(row?.window_expires_at ?? null, event.at) : null;
  const was_open = row?.window_expires_at != null && row.window_expires_at > event.at;
  const window: EventType[] = event.opens && !was_open ? ['service_window.opened'] : [];
  const types = (...changes: EventType[]): EventType[] => [...changes, 'message.received', ...window];
  if (!row) {
    const attendance = { id: uuid(), status: 'open', closed_at: null, close_reason: null, window_expires_at };
    return {
      attendance,
      is_new: true,
      address: addressOf(event.from),
      types: types('attendance.started', 'attendance.opened'),
    };
  }
  const attendance = { ...row, window_expires_at: window_expires_at ?? row.window_expires_at };
  // The contact answers: whatever became of the first message, they have been reached.
  const is_back = !active || active.status === 'starting';
  const address = active && isOfSender(active, event) ? null : addressOf(event.from);
  if (!is_back) return { attendance, is_new: false, address, types: types() };
  const reopened = active ? {} : { closed_at: null, close_reason: null };
  return {
    attendance: { ...attendance, status: 'open', ...reopened },
    is_new: false,
    address,
    types: types('attendance.opened'),
  };
}

/** Whether what goes to the attendance's address reaches who wrote; another number is known to be somebody else's. */
function isOfSender({ address_kind, address }: AttendancesRow, { from }: InboundMessage): boolean {
  const keysOf = (identities: { kind: string | null; value: string | null }[]) =>
    identities.flatMap(({ kind, value }) => {
      const is_number = kind === 'phone' || kind === 'wa_id';
      return is_number && value !== null ? [phoneOf(`+${value.replace(/@.*$|\D/g, '')}`)?.key ?? ''] : [];
    });
  const [goes_to] = keysOf([{ kind: address_kind, value: address }]);
  const wrote = keysOf(from.identities);
  return !goes_to || wrote.length === 0 || wrote.includes(goes_to);
}

/** The later end of the service window. */
function laterEnd(before: Date | null, at: Date): Date {
  const end = new Date(at.getTime() + window_ms);
  return before !== null && before > end ? before : end;
}
