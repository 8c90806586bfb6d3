import type { Context, Scope } from '../../context.ts';
import { Problem } from '../../problem.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { askForSync, takeDueSync } from '../channels/channels.repository.ts';
import type { Outside } from '../channels/provider-call.ts';
import { syncTemplates } from './sync-templates.ts';

/** Not more often than this, whatever asks. */
const at_most_every_ms = 60_000;

/** Reads the templates of one channel again that a webhook or a refused send asked for. Returns how many channels that was. */
export async function syncDueTemplates(ctx: Context, vaults: Vaults, outside: Outside): Promise<number> {
  const channel = await takeDueSync(ctx, at_most_every_ms);
  if (!channel) return 0;
  const vault = (await vaults.openAll(ctx, [channel.account_id])).get(channel.account_id);
  if (!vault) return 1;
  const scope: Scope = { ...ctx, account_id: channel.account_id, default_country: 'BR', vault, api_key_id: null };
  try {
    await syncTemplates(scope, outside, channel.id);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // The next webhook or refusal asks again; where we stop, whoever starts next.
    if (ctx.signal.aborted) await askForSync(scope, channel.id);
    ctx.log.warn({ channel_id: channel.id, code: error.kind.code }, 'templates.not_synced');
  }
  return 1;
}
