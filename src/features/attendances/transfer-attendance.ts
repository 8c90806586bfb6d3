import { inTransaction, type Scope } from '../../context.ts';
import type { AttendancesRow } from '../../db/rows.ts';
import { insertEvents } from '../events/events.repository.ts';
import { team_not_found } from '../references.ts';
import { eventOf } from './attendance-events.ts';
import { readFacts } from './attendance-facts.ts';
import { attendance_not_found, attendance_not_open, getActive } from './attendance-state.ts';
import { loadAttendances } from './attendance-view.ts';
import { changeAttendance } from './attendances.repository.ts';
import { checkTeamOnChannel, team_not_on_channel } from './check-start.ts';
import { refuseGone } from './gone-parties.ts';
import type { TransferBody } from './verbs.schema.ts';

export const transfer_problems = [attendance_not_found, attendance_not_open, team_not_found, team_not_on_channel];

const nobody = { contact_id: '', channel_id: '' };

/** Gives an attendance that is starting or open to another team; to its own one, nothing happens. Throws `transfer_problems`. */
export async function transferAttendance(scope: Scope, id: string, { team_id }: TransferBody): Promise<AttendancesRow> {
  return inTransaction(scope, async (trx) => {
    const attendance = await getActive(trx, id);
    const { team, channel } = await readFacts(trx, attendance, { team_id });
    if (!team) throw team_not_found({ pointer: '/team_id', params: { id: team_id } });
    if (attendance.team_id === team.id) return attendance;
    checkTeamOnChannel(team, channel);
    const row = await changeAttendance(trx, id, { team_id: team.id }, 1);
    const [data] = await loadAttendances(trx, [row], 'en');
    await insertEvents(trx, [
      eventOf(trx, row, { type: 'attendance.transferred', sequence: row.event_sequence, data }),
    ]);
    return row;
    // Archived since it was read.
  }).catch((error: unknown) => refuseGone(error, '/team_id', async () => ({ ...nobody, team_id })));
}
