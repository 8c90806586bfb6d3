import type { Context } from '../../context.ts';
import type { AttendancesRow, MessagesRow } from '../../db/rows.ts';
import type { Language } from '../../problem.ts';
import { findProvider } from '../../providers/registry.ts';
import { listChannelNames } from '../channels/channels.repository.ts';
import { listContactNames } from '../contacts/contacts.repository.ts';
import { toMessageError } from '../messages/message-errors.ts';
import { listMessagesOf } from '../messages/messages.repository.ts';
import type { MessageStatus } from '../messages/messages.schema.ts';
import { listTeamNames } from '../teams/teams.repository.ts';
import type { AttendanceView } from './attendances.schema.ts';

interface Names {
  contacts: Map<string, { name: string | null; profile_name: string | null; phone: string | null }>;
  channels: Map<string, { name: string; provider: string }>;
  teams: Map<string, { name: string }>;
  messages: Map<string, MessagesRow>;
}

/**
 * Attendances of any accounts as they are shown: four statements, however many there are. `known`: first messages that the
 * caller has, as they are to be shown.
 */
export async function loadAttendances(
  ctx: Pick<Context, 'db' | 'now'>,
  rows: AttendancesRow[],
  language: Language,
  known: MessagesRow[] = [],
): Promise<AttendanceView[]> {
  if (rows.length === 0) return [];
  const keys = (pick: (row: AttendancesRow) => string | null) =>
    rows.flatMap((row) => {
      const id = pick(row);
      return id === null ? [] : [{ account_id: row.account_id, id }];
    });
  const byId = <T extends { id: string }>(found: T[]) => new Map(found.map((one) => [one.id, one]));
  const known_ids = new Set(known.map(({ id }) => id));
  const asked = keys((row) => row.first_message_id).filter(({ id }) => !known_ids.has(id));
  const names: Names = {
    contacts: byId(
      await listContactNames(
        ctx,
        keys((row) => row.contact_id),
      ),
    ),
    channels: byId(
      await listChannelNames(
        ctx,
        keys((row) => row.channel_id),
      ),
    ),
    teams: byId(
      await listTeamNames(
        ctx,
        keys((row) => row.team_id),
      ),
    ),
    messages: byId([...known, ...(await listMessagesOf(ctx, asked))]),
  };
  return rows.map((row) => toAttendance(row, names, ctx.now(), language));
}

function toAttendance(row: AttendancesRow, names: Names, now: Date, language: Language): AttendanceView {
  const contact = names.contacts.get(row.contact_id);
  const channel = names.channels.get(row.channel_id);
  const team = row.team_id === null ? undefined : names.teams.get(row.team_id);
  const message = row.first_message_id === null ? undefined : names.messages.get(row.first_message_id);
  if (!contact || !channel) throw new Error('an attendance without its contact or channel');
  return {
    id: row.id,
    status: row.status as AttendanceView['status'],
    origin: row.origin as AttendanceView['origin'],
    contact: { id: row.contact_id, name: contact.name ?? contact.profile_name, phone: contact.phone },
    channel: { id: row.channel_id, name: channel.name, type: findProvider(channel.provider).type },
    team: row.team_id === null || !team ? null : { id: row.team_id, name: team.name },
    first_message: message ? toFirstMessage(message, language) : null,
    service_window: toServiceWindow(row.window_expires_at, now),
    external_ref: row.external_ref,
    metadata: row.metadata as AttendanceView['metadata'],
    started_by:
      row.started_by_api_key_id === null
        ? null
        : { api_key_id: row.started_by_api_key_id, actor: row.actor as { id?: string; name?: string } | null },
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    closed_at: row.closed_at?.toISOString() ?? null,
    close_reason: row.close_reason,
  };
}

function toFirstMessage(row: MessagesRow, language: Language): AttendanceView['first_message'] {
  return {
    id: row.id,
    type: row.type,
    status: row.status as MessageStatus,
    text: row.text,
    error: toMessageError(row.error, language),
  };
}

/** Whether the contact wrote within the last 24 h. */
export function toServiceWindow(expires_at: Date | null, now: Date): AttendanceView['service_window'] {
  if (!expires_at) return { status: 'not_started', expires_at: null };
  return { status: expires_at > now ? 'active' : 'expired', expires_at: expires_at.toISOString() };
}
