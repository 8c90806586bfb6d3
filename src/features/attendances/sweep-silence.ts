import { type Context, inTransaction } from '../../context.ts';
import { insertEvents } from '../events/events.repository.ts';
import { listAttempts, toMessage } from '../messages/messages.repository.ts';
import { listSilent, markStuck } from '../messages/silence.repository.ts';
import { eventOf } from './attendance-events.ts';
import { changeAttendance, lockAttendances } from './attendances.repository.ts';

const sweep_batch = 100;

/** Shows silence: a message that was accepted and not heard of for as long as its channel says becomes `stuck`. Returns how many. */
export async function sweepSilence(ctx: Context): Promise<number> {
  const silent = await listSilent(ctx, sweep_batch);
  if (silent.length === 0) return 0;
  const marked = await inTransaction(ctx, async (trx) => {
    await lockAttendances(trx, silent);
    const messages = await markStuck(trx, silent);
    const attempts = await listAttempts(trx, messages);
    for (const message of messages) {
      const scope = { ...trx, account_id: message.account_id };
      const row = await changeAttendance(scope, message.attendance_id, {}, 1);
      const data = toMessage(message, attempts.get(message.id) ?? [], 'en');
      const told = { type: 'message.stuck' as const, sequence: row.event_sequence, data, message_id: message.id };
      await insertEvents(trx, [eventOf(trx, row, told)]);
    }
    return messages.length;
  });
  ctx.log.warn({ stuck: marked }, 'messages.stuck');
  return silent.length;
}
