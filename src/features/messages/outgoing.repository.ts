import type { Scope } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { table } from '../../db/table.ts';
import type { OutboundContent } from '../../providers/provider.ts';
import { lost_answer } from './dispatch.repository.ts';
import { queueBehind } from './order.repository.ts';

type Ctx = Pick<Scope, 'db' | 'account_id' | 'now'>;

export interface OutgoingMessage {
  id: string;
  attendance_id: string;
  contact_id: string;
  channel_id: string;
  type: string;
  text: string | null;
  template: unknown;
  payload: OutboundContent;
  recipient_kind: string;
  recipient: string;
  send_within_s: number;
}

/** Queues a message behind those that wait in its attendance; the caller holds the attendance's lock. */
export async function insertMessage({ db, account_id, now }: Ctx, message: OutgoingMessage): Promise<MessagesRow> {
  const { send_within_s, template, payload, ...given } = message;
  const at = now();
  const row = {
    ...given,
    account_id,
    template: template === null ? null : JSON.stringify(template),
    payload: JSON.stringify(payload),
    direction: 'outbound',
    state: 'queued',
    run_at: db.fn.now(),
    send_before: db.raw('now() + make_interval(secs => ?)', [send_within_s]),
    created_at: at,
    updated_at: at,
  };
  const [inserted] = await db('messages').insert(row).returning('*');
  await queueBehind({ db, account_id }, given);
  return inserted;
}

/** Messages that have no outcome yet, locked; the caller holds the attendance's lock. */
export async function lockUnsettled(
  ctx: Ctx,
  attendance_id: string,
): Promise<Pick<MessagesRow, 'id' | 'state' | 'unknown_at'>[]> {
  return table(ctx, 'messages')
    .where({ attendance_id })
    .whereIn('state', ['queued', 'sending', 'unknown'])
    .orderBy('id')
    .forUpdate()
    .select('id', 'state', 'unknown_at');
}

/**
 * Withdraws what is queued, in the order given; locked by the caller. What was to be sent again because of a doubt is in doubt as
 * before: the attempt that led to it may have arrived.
 */
export async function cancelMessages(ctx: Ctx, ids: string[]): Promise<MessagesRow[]> {
  if (ids.length === 0) return [];
  const cancelled = await table(ctx, 'messages')
    .whereIn('id', ids)
    .where({ state: 'queued' })
    .update({
      state: ctx.db.raw(`case when unknown_at is null then 'cancelled' else 'unknown' end`),
      run_at: ctx.db.raw('case when unknown_at is null then run_at else now() end'),
      error: ctx.db.raw(`case when unknown_at is null then error else ${lost_answer} end`),
      updated_at: ctx.now(),
    })
    .returning('*');
  return cancelled.toSorted((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
}
