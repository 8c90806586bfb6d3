import type { Context } from '../../context.ts';
import { tellDropped } from './open-scope.ts';
import { dropOldQuarantined } from './quarantine.repository.ts';

/**
 * Drops a bounded piece of what is in quarantine and came in more than `days` ago, with a line for each channel; returns how many
 * bodies and events it was.
 */
export async function dropOldQuarantine(ctx: Context, days: number): Promise<number> {
  const dropped = await dropOldQuarantined(ctx, days);
  for (const of_channel of dropped)
    tellDropped(ctx, of_channel, of_channel.dropped, `it was in quarantine and older than ${days} days`);
  return dropped.reduce((sum, one) => sum + one.dropped, 0);
}
