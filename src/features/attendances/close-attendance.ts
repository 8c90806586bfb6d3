import { Type } from '@sinclair/typebox';
import { inTransaction, type Scope } from '../../context.ts';
import type { AttendancesRow, MessagesRow } from '../../db/rows.ts';
import { defineProblem } from '../../problem.ts';
import { Id } from '../../schema.ts';
import { insertEvents } from '../events/events.repository.ts';
import { listAttempts, toMessage } from '../messages/messages.repository.ts';
import { cancelMessages, lockUnsettled } from '../messages/outgoing.repository.ts';
import { eventOf } from './attendance-events.ts';
import { attendance_not_found, attendance_not_open, getActive } from './attendance-state.ts';
import { loadAttendances } from './attendance-view.ts';
import { changeAttendance } from './attendances.repository.ts';
import type { CloseBody } from './verbs.schema.ts';

const message_in_doubt = defineProblem({
  code: 'message_in_doubt',
  status: 409,
  title: { en: 'A message is in doubt', pt: 'Uma mensagem está em dúvida' },
  detail: {
    en: '{count} message(s) are being sent or may have been sent: see message_ids. Wait or resolve them, or close with `force: true`.',
    pt: '{count} mensagem(ns) estão sendo enviadas ou podem ter sido: veja message_ids. Espere ou resolva-as, ou feche com `force: true`.',
  },
  extra: {
    message_ids: Type.Array(Id('A message that is `sending` or `unknown`, or `queued` again because of a doubt.')),
  },
  example: {
    pointer: ':attendance_id',
    params: { count: 1 },
    extra: { message_ids: ['019a0000-0000-7000-8000-0000000000f1'] },
  },
});

export const close_problems = [attendance_not_found, attendance_not_open, message_in_doubt];

/**
 * Closes an attendance that is starting or open; what is still queued is cancelled. While a message is being sent or in
 * doubt only `force` closes, and later facts still land on that message. Throws `close_problems`.
 */
export async function closeAttendance(scope: Scope, id: string, body: CloseBody): Promise<AttendancesRow> {
  return inTransaction(scope, async (trx) => {
    await getActive(trx, id);
    const unsettled = await lockUnsettled(trx, id);
    const in_doubt = unsettled.filter(({ state, unknown_at }) => state !== 'queued' || unknown_at !== null);
    const message_ids = in_doubt.map((message) => message.id);
    if (message_ids.length > 0 && body?.force !== true) {
      const count = message_ids.length;
      throw message_in_doubt({ pointer: ':attendance_id', params: { count }, extra: { message_ids } });
    }
    return endAttendance(trx, id, body?.reason ?? null);
  });
}

/** Cancels what is queued, closes, and tells of both. The caller holds the attendance's lock. */
export async function endAttendance(trx: Scope, id: string, close_reason: string | null): Promise<AttendancesRow> {
  const queued = (await lockUnsettled(trx, id)).filter(({ state }) => state === 'queued');
  const cancelled = await cancelMessages(
    trx,
    queued.map((message) => message.id),
  );
  const change = { status: 'closed', closed_at: trx.now(), close_reason };
  const row = await changeAttendance(trx, id, change, cancelled.length + 1);
  await tellEnd(trx, row, cancelled);
  return row;
}

/** What was to be sent again because of a doubt is in doubt again. */
export const endType = ({ state }: MessagesRow) => (state === 'unknown' ? 'message.unknown' : 'message.cancelled');

async function tellEnd(trx: Scope, row: AttendancesRow, cancelled: MessagesRow[]): Promise<void> {
  const [view] = await loadAttendances(trx, [row], 'en');
  const attempts = await listAttempts(trx, cancelled);
  const last = row.event_sequence;
  await insertEvents(trx, [
    ...cancelled.map((message, place) =>
      eventOf(trx, row, {
        type: endType(message),
        sequence: last - cancelled.length + place,
        data: toMessage(message, attempts.get(message.id) ?? [], 'en'),
        message_id: message.id,
      }),
    ),
    eventOf(trx, row, { type: 'attendance.closed', sequence: last, data: view }),
  ]);
}
