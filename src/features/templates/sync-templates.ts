import { inTransaction, type Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { defineProblem, type Problem } from '../../problem.ts';
import { type ProviderError, type ProviderTemplate, provider_errors } from '../../providers/provider.ts';
import { askForSync, findChannel, lockChannel, setTemplatesSyncedAt } from '../channels/channels.repository.ts';
import { type Outside, toProviderCall } from '../channels/provider-call.ts';
import { insertEvents } from '../events/events.repository.ts';
import { channel_not_found } from '../references.ts';
import { templateEvent } from './template-event.ts';
import { listTemplatesById, replaceTemplates } from './templates.repository.ts';
import type { TemplateSyncView } from './templates.schema.ts';

export const templates_not_supported = defineProblem({
  code: 'templates_not_supported',
  status: 422,
  title: { en: 'This channel has no templates', pt: 'Este canal não tem templates' },
  detail: {
    en: 'The provider {provider} knows no templates; a start over this channel takes a text or nothing.',
    pt: 'O provedor {provider} não tem templates; um início por este canal leva um texto ou nada.',
  },
  example: { pointer: ':channel_id', params: { provider: 'evolution' } },
});
export const provider_unavailable = defineProblem({
  code: 'provider_unavailable',
  status: 503,
  retryable: true,
  retry_after_s: 5,
  title: { en: 'The provider cannot answer now', pt: 'O provedor não pode responder agora' },
  detail: {
    en: 'Nothing was changed; errors[] says why. Try again after the time in Retry-After.',
    pt: 'Nada foi alterado; errors[] diz o porquê. Tente de novo após o tempo em Retry-After.',
  },
  example: {
    errors: [
      {
        pointer: ':channel_id',
        code: 'provider_rate_limited',
        detail: provider_errors.provider_rate_limited.detail,
      },
    ],
    provider: {
      name: 'whatsapp_cloud',
      code: '80007',
      message: '(#80007) Rate limit issues',
      trace_id: 'AbCdEfGhIjKlMnOpQrStUvWxYz',
    },
  },
});
export const provider_refused = defineProblem({
  code: 'provider_refused',
  status: 422,
  title: { en: 'The provider refused', pt: 'O provedor recusou' },
  detail: {
    en: 'Nothing was changed; errors[] says why. Correct the channel, then try again.',
    pt: 'Nada foi alterado; errors[] diz o porquê. Corrija o canal e tente de novo.',
  },
  example: {
    errors: [
      {
        pointer: ':channel_id',
        code: 'channel_credentials_invalid',
        detail: provider_errors.channel_credentials_invalid.detail,
      },
    ],
    provider: {
      name: 'whatsapp_cloud',
      code: '190',
      message: 'Invalid OAuth access token.',
      trace_id: 'AbCdEfGhIjKlMnOpQrStUvWxYz',
    },
  },
});

/**
 * Reads all templates of a channel from its provider and makes ours the same; the provider is asked outside of any
 * transaction. Throws `channel_not_found`, `templates_not_supported`, `provider_unavailable`, `provider_refused`.
 */
export async function syncTemplates(scope: Scope, outside: Outside, channel_id: string): Promise<TemplateSyncView> {
  const channel = existing(await findChannel(scope, channel_id), channel_id);
  const { provider, call } = toProviderCall(scope, outside, channel);
  if (!provider.listTemplates)
    throw templates_not_supported({ pointer: ':channel_id', params: { provider: provider.name } });
  const synced_at = scope.now();
  const listing = await provider.listTemplates(call);
  if (listing.kind === 'unavailable') throw refusalOf(listing.error);
  const templates = uniqueTemplates(listing.templates.filter(isKeepable));
  const counts = await inTransaction(scope, (trx) => keepListing(trx, channel_id, templates, synced_at));
  scope.log.info(
    { account_id: scope.account_id, channel_id, listed: listing.templates.length, ...counts },
    'templates.synced',
  );
  return counts;
}

async function keepListing(
  trx: Scope,
  channel_id: string,
  templates: ProviderTemplate[],
  synced_at: Date,
): Promise<TemplateSyncView> {
  const { templates_synced_at: last } = existing(await lockChannel(trx, channel_id), channel_id);
  // Another sync asked later than this one and was faster: its listing is the newer one.
  if (last && last > synced_at) {
    return { created: 0, updated: 0, removed: 0, unchanged: templates.length, synced_at: last.toISOString() };
  }
  const { created, updated, removed, changed, has_newer } = await replaceTemplates(
    trx,
    channel_id,
    templates,
    synced_at,
  );
  const rows = await listTemplatesById(trx, changed);
  await insertEvents(
    trx,
    rows.map((row) => templateEvent(trx, row)),
  );
  await setTemplatesSyncedAt(trx, channel_id, synced_at);
  if (has_newer) await askForSync(trx, channel_id);
  const unchanged = templates.length - created - updated;
  return { created, updated, removed, unchanged, synced_at: synced_at.toISOString() };
}

function existing(channel: ChannelsRow | undefined, id: string): ChannelsRow {
  if (!channel) throw channel_not_found({ pointer: ':channel_id', params: { id } });
  return channel;
}

function refusalOf(error: ProviderError): Problem {
  const { retryable, detail } = provider_errors[error.code];
  const occurrence = { errors: [{ pointer: ':channel_id', code: error.code, detail }], provider: error.provider };
  return retryable ? provider_unavailable(occurrence) : provider_refused(occurrence);
}

/** Within the limits of our columns; no real template is beyond them, and one that is must not stop the others. */
function isKeepable({ provider_template_id: id, name, language }: ProviderTemplate): boolean {
  return (
    id.length >= 1 &&
    id.length <= 200 &&
    name.length >= 1 &&
    name.length <= 512 &&
    language.length >= 2 &&
    language.length <= 20
  );
}

/** One per name and language: a listing may show a deleted one beside its successor, and an approved one is the one in use. */
function uniqueTemplates(listed: ProviderTemplate[]): ProviderTemplate[] {
  const found = new Map<string, ProviderTemplate>();
  for (const template of listed) {
    const key = `${template.name}\n${template.language}`;
    const known = found.get(key);
    if (!known || rankOf(template) > rankOf(known)) found.set(key, template);
  }
  return [...found.values()];
}

function rankOf({ status }: ProviderTemplate): number {
  if (status === 'approved') return 2;
  return status === 'deleted' ? 0 : 1;
}
