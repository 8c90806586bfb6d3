import type { Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { InboundChange, InboundChannel, InboundEvent } from '../../providers/inbound.ts';
import { applyChannelNews } from '../channels/apply-channel-news.ts';
import { findChannel } from '../channels/channels.repository.ts';
import { changeReceived } from '../messages/evidence.repository.ts';
import { applyTemplateNews } from '../templates/apply-template-news.ts';
import { applyEcho } from './apply-echo.ts';
import { applyIdentity, applyOptOut } from './apply-identity.ts';
import { applyStatus } from './apply-status.ts';
import { type Applied, type Place, receiveMessage } from './receive-message.ts';

/** Applies one event in the transaction it is given; what is done twice ends alike. `not_found`: ask again later. */
export async function applyEvent(
  trx: Scope,
  public_url: string,
  channel: ChannelsRow,
  event: InboundEvent,
  place: Place,
): Promise<Applied | 'not_found'> {
  switch (event.kind) {
    case 'message':
      return receiveMessage(trx, channel, event, place);
    case 'edit':
    case 'revoke':
      return changeMessage(trx, channel, event);
    case 'status':
      return applyStatus(trx, channel, event);
    case 'echo':
      return applyEcho(trx, channel, event, place);
    case 'identity':
      return applyIdentity(trx, channel, event);
    case 'opt_out':
      return applyOptOut(trx, channel, event);
    case 'template':
      return (await applyTemplateNews(trx, channel.id, event)) ? 'applied' : 'repeated';
    case 'channel':
      return changeChannel(trx, public_url, channel, event);
    case 'ignored':
      return 'dropped';
  }
}

async function changeMessage(trx: Scope, channel: ChannelsRow, event: InboundChange): Promise<Applied> {
  const at = event.at.toISOString();
  const note: Record<string, string> = event.kind === 'edit' ? { edited_at: at } : { revoked_at: at };
  await changeReceived(trx, channel.id, event.original_id, { text: event.kind === 'edit' ? event.text : null, note });
  return 'applied';
}

/** Clocks differ. */
const news_slack_ms = 60_000;

/** A gateway that is connected again is not therefore free to open chats: only a check lifts a restriction there. */
async function changeChannel(
  trx: Scope,
  public_url: string,
  channel: ChannelsRow,
  { news, at }: InboundChannel,
): Promise<Applied> {
  const now = await findChannel(trx, channel.id);
  // News may come days late, after a check that knew better.
  if (!now || at.getTime() + news_slack_ms < now.updated_at.getTime()) return 'dropped';
  if (now.type === 'unofficial' && now.status === 'restricted' && news.status !== 'disconnected') return 'dropped';
  await applyChannelNews(trx, public_url, channel.id, news);
  return 'applied';
}
