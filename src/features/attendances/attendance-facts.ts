import type { Scope } from '../../context.ts';
import type { AttendancesRow } from '../../db/rows.ts';
import { findProvider } from '../../providers/registry.ts';
import { channel_not_found, contact_not_found } from '../references.ts';
import type { StartAttendanceBody } from './start.schema.ts';
import { single_start_rows } from './start-rows.ts';

/** What a further message of an attendance, or its transfer, is decided on: read as for a start, in one round trip. */
export async function readFacts(
  scope: Scope,
  attendance: AttendancesRow,
  asked: { template?: StartAttendanceBody['template'] | undefined; team_id?: string },
) {
  const { template, team_id } = asked;
  const facts = await single_start_rows.read(scope, {
    account_id: scope.account_id,
    contact_id: attendance.contact_id,
    phone_key: null,
    channel_id: attendance.channel_id,
    team_id: team_id ?? null,
    template_id: template && 'id' in template ? template.id : null,
    template_name: template && 'name' in template ? template.name : null,
    template_language: template && 'name' in template ? template.language : null,
  });
  const { contact } = facts;
  const [channel] = facts.channels;
  const pointer = ':attendance_id';
  if (!contact) throw contact_not_found({ pointer, params: { id: attendance.contact_id } });
  if (!channel) throw channel_not_found({ pointer, params: { id: attendance.channel_id } });
  return { ...facts, contact, channel, provider: findProvider(channel.provider) };
}
