import type { Scope } from '../../context.ts';
import type { InboundTemplate } from '../../providers/inbound.ts';
import { askForSync, findChannel } from '../channels/channels.repository.ts';
import { insertEvents } from '../events/events.repository.ts';
import { templateEvent } from './template-event.ts';
import { changeTemplate } from './templates.repository.ts';

/**
 * What a provider tells of a template between two syncs: its status, category or quality; what is more than that is asked for with a
 * sync. Returns whether anything changed. Call it inside a transaction.
 */
export async function applyTemplateNews(trx: Scope, channel_id: string, news: InboundTemplate): Promise<boolean> {
  const { name, language, status, category, quality } = news;
  const change = {
    ...(status ? { status } : {}),
    ...(category ? { category } : {}),
    ...(quality ? { quality } : {}),
  };
  const channel = await findChannel(trx, channel_id);
  const changed = await changeTemplate(trx, channel_id, { name, language }, change, {
    at: news.at,
    listed_at: channel?.templates_synced_at ?? null,
  });
  // One that we do not know yet is in the next listing, and so is what counts of news that came out of order.
  if (news.needs_sync || !changed || changed.is_late) await askForSync(trx, channel_id);
  if (!changed?.has_changed) return false;
  await insertEvents(trx, [templateEvent(trx, changed.row)]);
  return true;
}
