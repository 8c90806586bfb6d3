import type { Scope } from '../../context.ts';
import { insertEvents } from '../events/events.repository.ts';
import { listAttempts, toMessage } from '../messages/messages.repository.ts';
import { cancelMessages, lockUnsettled } from '../messages/outgoing.repository.ts';
import { eventOf } from './attendance-events.ts';
import { changeAttendance } from './attendances.repository.ts';
import { endType } from './close-attendance.ts';

/**
 * Withdraws and tells what still waits in an attendance that failed: nothing more is said to someone whom its first message
 * could not reach. The caller holds the attendance's lock. What is being sent is left to its outcome.
 */
export async function cancelQueued(trx: Pick<Scope, 'db' | 'account_id' | 'now'>, attendance_id: string) {
  const queued = (await lockUnsettled(trx, attendance_id)).filter(({ state }) => state === 'queued');
  if (queued.length === 0) return;
  const cancelled = await cancelMessages(
    trx,
    queued.map(({ id }) => id),
  );
  const row = await changeAttendance(trx, attendance_id, {}, cancelled.length);
  const attempts = await listAttempts(trx, cancelled);
  const first = row.event_sequence - cancelled.length + 1;
  await insertEvents(
    trx,
    cancelled.map((message, place) => {
      const data = toMessage(message, attempts.get(message.id) ?? [], 'en');
      return eventOf(trx, row, { type: endType(message), sequence: first + place, data, message_id: message.id });
    }),
  );
}
