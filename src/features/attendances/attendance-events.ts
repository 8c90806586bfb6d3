import type { Context } from '../../context.ts';
import type { AttendancesRow } from '../../db/rows.ts';
import { uuid } from '../../random.ts';
import type { EventType, NewEvent } from '../events/events.schema.ts';

/** One thing that happened in an attendance; `sequence` was taken under the row's lock. */
export function eventOf(
  ctx: Pick<Context, 'now'>,
  row: Pick<AttendancesRow, 'account_id' | 'id' | 'contact_id'>,
  told: { type: EventType; sequence: number; data: unknown; message_id?: string },
): NewEvent {
  const { type, sequence, data, message_id } = told;
  return {
    account_id: row.account_id,
    id: uuid(),
    type,
    attendance_id: row.id,
    attendance_sequence: sequence,
    ...(message_id === undefined ? {} : { message_id }),
    contact_id: row.contact_id,
    data,
    created_at: ctx.now(),
  };
}
