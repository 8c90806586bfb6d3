import type { Context } from '../../context.ts';
import { findProvider } from '../../providers/registry.ts';
import { listChannelsOf } from '../channels/channels.repository.ts';
import {
  listLateMessages,
  listLostMessages,
  type OverdueMessage,
  type WrittenOutcome,
} from '../messages/dispatch.repository.ts';
import { recordApart } from './record-apart.ts';

const sweep_batch = 200;

/** What a sweep found, and how many messages it changed. */
export interface Swept {
  lost: number;
  too_late: number;
  changed: number;
}

/** Whose process died before it said under which id it sent: the ids that we choose ourselves, by the message's. */
async function chosenIds(ctx: Context, lost: OverdueMessage[]): Promise<Map<string, string>> {
  if (lost.length === 0) return new Map();
  const provider_of = new Map((await listChannelsOf(ctx, lost)).map(({ id, provider }) => [id, provider]));
  return new Map(
    lost.flatMap(({ id, channel_id }): [string, string][] => {
      const provider = provider_of.get(channel_id);
      const chosen = provider === undefined ? undefined : findProvider(provider).chosenId?.(id);
      return chosen === undefined ? [] : [[id, chosen]];
    }),
  );
}

/** T4: a lease that passed is a doubt, never a second try. T8: what is too late is not sent. */
export async function sweepMessages(ctx: Context, public_url: string): Promise<Swept> {
  const lost = await listLostMessages(ctx, sweep_batch);
  const late = await listLateMessages(ctx, sweep_batch);
  const chosen = await chosenIds(ctx, lost);
  const overdue =
    (kind: 'lost' | 'too_late', code: string) =>
    (row: (typeof lost)[number]): WrittenOutcome => ({
      account_id: row.account_id,
      attendance_id: row.attendance_id,
      message_id: row.id,
      fence: kind === 'lost' ? row.fence : null,
      attempt: row.attempt,
      kind,
      provider_message_id: chosen.get(row.id) ?? null,
      is_held: false,
      error: { code, provider: null },
      recipient: null,
      run_in_ms: null,
    });
  const written = [
    ...lost.map(overdue('lost', 'provider_answer_lost')),
    ...late.map(overdue('too_late', 'not_sent_in_time')),
  ];
  const changed = await recordApart(ctx, public_url, written);
  if (written.length > 0) ctx.log.warn({ lost: lost.length, late: late.length, changed }, 'messages.swept');
  return { lost: lost.length, too_late: late.length, changed };
}
