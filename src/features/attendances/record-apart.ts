import type { Context } from '../../context.ts';
import { isTooMuchAtOnce } from '../../db/pg-errors.ts';
import type { WrittenOutcome } from '../messages/dispatch.repository.ts';
import { recordOutcomes } from './record-outcomes.ts';

/** Each waits 2 s for its lock in vain. */
const most_misses = 2;

/**
 * Outcomes of a sweep, of each account by themselves where they do not go together, for somebody may hold an attendance; returns how
 * many messages changed.
 */
export async function recordApart(ctx: Context, public_url: string, written: WrittenOutcome[]): Promise<number> {
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
