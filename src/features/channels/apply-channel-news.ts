import type { Scope } from '../../context.ts';
import type { ChannelNews } from '../../providers/provider.ts';
import { uuid } from '../../random.ts';
import { insertEvents } from '../events/events.repository.ts';
import { tellChannel } from './channel-view.ts';
import { changeChannelStatus, type NewsOptions } from './channels.repository.ts';

/** Sets a channel's status and tells of it when it changed; see `changeChannelStatus`. Call it inside a transaction. */
export async function applyChannelNews(
  trx: Pick<Scope, 'db' | 'account_id' | 'now'>,
  public_url: string,
  channel_id: string,
  news: ChannelNews,
  options: NewsOptions = {},
): Promise<void> {
  const row = await changeChannelStatus(trx, channel_id, news, options);
  if (!row) return;
  await insertEvents(trx, [
    {
      account_id: trx.account_id,
      id: uuid(),
      type: 'channel.status_changed',
      attendance_id: null,
      attendance_sequence: null,
      contact_id: null,
      data: tellChannel(row, public_url),
      created_at: trx.now(),
    },
  ]);
}
