import { setTimeout as delay } from 'node:timers/promises';
import type { Context, Scope } from '../../context.ts';
import { Problem } from '../../problem.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { askForSync, takeDueSync } from '../channels/channels.repository.ts';
import type { Outside } from '../channels/provider-call.ts';
import { syncTemplates } from './sync-templates.ts';

/** Not more often than this, whatever asks. */
const at_most_every_ms = 60_000;
/** Accounts whose templates are read side by side. */
const most_at_once = 4;
/** In one run; then what they changed is told of. */
const most_channels = 100;
/** While some are read, for what has become due. */
const look_again_ms = 5_000;

/**
 * Reads the templates of channels again that a webhook or a refused send asked for: accounts in turn, of one account one channel at a
 * time, so that slow ones of one hold up no other's. Returns how many channels that was, 100 at most.
 */
export async function syncDueTemplates(ctx: Context, vaults: Vaults, outside: Outside): Promise<number> {
  const had: string[] = [];
  const in_air = new Map<string, Promise<unknown>>();
  const failed: unknown[] = [];
  const takeNext = () => takeDueSync(ctx, at_most_every_ms, { had, busy: [...in_air.keys()] });
  try {
    while (had.length < most_channels && failed.length === 0 && !ctx.signal.aborted) {
      const channel = in_air.size < most_at_once ? await takeNext() : undefined;
      if (!channel && in_air.size === 0) break;
      if (!channel) {
        await Promise.race([...in_air.values(), delay(look_again_ms, undefined, { ref: false })]);
        continue;
      }
      had.push(channel.account_id);
      const synced = syncDue(ctx, vaults, outside, channel)
        .catch((error: unknown) => failed.push(error))
        .finally(() => in_air.delete(channel.account_id));
      in_air.set(channel.account_id, synced);
    }
  } finally {
    await Promise.all(in_air.values());
  }
  // Several at once have one cause, the database.
  if (failed.length > 0) throw failed[0];
  return had.length;
}

async function syncDue(
  ctx: Context,
  vaults: Vaults,
  outside: Outside,
  channel: { account_id: string; id: string },
): Promise<void> {
  const vault = (await vaults.openAll(ctx, [channel.account_id])).get(channel.account_id);
  if (!vault) return;
  const scope: Scope = { ...ctx, account_id: channel.account_id, default_country: 'BR', vault, api_key_id: null };
  try {
    await syncTemplates(scope, outside, channel.id);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // The next webhook or refusal asks again; where we stop, whoever starts next.
    if (ctx.signal.aborted) await askForSync(scope, channel.id);
    ctx.log.warn({ channel_id: channel.id, code: error.kind.code }, 'templates.not_synced');
  }
}
