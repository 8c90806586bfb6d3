import type { Context, Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { findInboundChannel } from '../channels/channels.repository.ts';

/** Why a body is kept that a right master key could still open. */
export const sealed_off = 'the account does not open with the master keys that are set';

/** `no_channel`: it was deleted, and nobody could do anything with what waits. */
export async function openScope(
  ctx: Context,
  { vaults }: { vaults: Vaults },
  { channel_id, account_id }: { channel_id: string; account_id: string },
): Promise<{ channel: ChannelsRow; scope: Scope } | 'no_channel' | 'no_vault'> {
  const channel = await findInboundChannel(ctx, channel_id);
  if (!channel) return 'no_channel';
  const vault = (await vaults.openAll(ctx, [account_id])).get(account_id);
  if (!vault) return 'no_vault';
  // Numbers in bodies carry their country code: the account's country is never asked.
  const scope: Scope = { ...ctx, account_id, default_country: 'BR', vault, api_key_id: null };
  return { channel, scope };
}

/** Bodies or items that nobody will apply any more: by default, because they waited when their channel was deleted. */
export function tellDropped(
  ctx: Context,
  { account_id, channel_id }: { account_id: string; channel_id: string },
  dropped: number,
  reason = 'the channel was deleted',
): void {
  ctx.log.info({ account_id, channel_id, dropped, reason }, 'inbound.dropped');
}
