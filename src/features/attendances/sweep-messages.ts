import type { Context } from '../../context.ts';
import { isTooMuchAtOnce } from '../../db/pg-errors.ts';
import { findProvider } from '../../providers/registry.ts';
import { listChannelsOf } from '../channels/channels.repository.ts';
import {
  listLateMessages,
  listLostMessages,
  type OverdueMessage,
  type WrittenOutcome,
} from '../messages/dispatch.repository.ts';
import { recordOutcomes } from './record-outcomes.ts';
import { sweepDoubts } from './sweep-doubts.ts';

const sweep_batch = 200;
/** Each waits 2 s for its lock in vain. */
const most_misses = 2;

/** What a sweep found, and how many messages it changed and doubts it decided. */
export interface Swept {
  lost: number;
  too_late: number;
  changed: number;
  decided: number;
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

/** T4: a lease that passed is a doubt, never a second try. T8: what is too late is not sent. T6, T7: what policies say of doubts. */
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
  const decided = await sweepDoubts(ctx, public_url);
  return { lost: lost.length, too_late: late.length, changed, decided };
}

/** Overdue outcomes, of each account by themselves where they do not go together; returns how many messages changed. */
async function recordApart(ctx: Context, public_url: string, written: WrittenOutcome[]): Promise<number> {
  const record = (some: WrittenOutcome[]) =>
    recordOutcomes(ctx, public_url, { written: some, learned: [], channel_news: [] });
  try {
    return written.length === 0 ? 0 : await record(written);
  } catch (error) {
    if (!isTooMuchAtOnce(error)) throw error;
    ctx.log.warn({ err: error, messages: written.length }, 'messages.swept_apart');
  }
  let changed = 0;
  for (const account_id of new Set(written.map((one) => one.account_id))) {
    let misses = 0;
    // Whoever holds one attendance of an account may hold many: the rest is for the next sweep.
    for (const one of written.filter((each) => each.account_id === account_id)) {
      if (misses >= most_misses) break;
      changed += await record([one]).catch((error: unknown) => {
        if (!isTooMuchAtOnce(error)) throw error;
        misses += 1;
        return 0;
      });
    }
  }
  return changed;
}
