import { inTransaction, type Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { channel_not_found } from '../references.ts';
import { applyChannelNews } from './apply-channel-news.ts';
import { findChannel } from './channels.repository.ts';
import { type Outside, toProviderCall } from './provider-call.ts';

/**
 * Asks the provider how the channel is, outside of any transaction, and keeps the answer: what a channel that was
 * disconnected or restricted comes back by. Throws `channel_not_found`.
 */
export async function checkChannel(
  scope: Scope,
  outside: Outside,
  public_url: string,
  id: string,
): Promise<ChannelsRow> {
  const missing = () => channel_not_found({ pointer: ':channel_id', params: { id } });
  const channel = await findChannel(scope, id);
  if (!channel) throw missing();
  const { provider, call } = toProviderCall(scope, outside, channel);
  const news = await provider.checkChannel(call);
  const { credentials, base_url } = channel;
  const options = { lifts_lock: true, asked_with: { credentials, base_url } };
  await inTransaction(scope, (trx) => applyChannelNews(trx, public_url, id, news, options));
  const fresh = await findChannel(scope, id);
  if (!fresh) throw missing();
  return fresh;
}
