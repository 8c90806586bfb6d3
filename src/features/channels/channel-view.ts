import type { ChannelsRow } from '../../db/rows.ts';
import type { Provider } from '../../providers/provider.ts';
import { findProvider } from '../../providers/registry.ts';
import type { ChannelView } from './channels.schema.ts';

/** A channel as it is shown; credentials have no way out. */
export function toChannel(row: ChannelsRow, public_url: string): ChannelView {
  const provider = findProvider(row.provider);
  return {
    id: row.id,
    name: row.name,
    type: provider.type,
    provider: row.provider as ChannelView['provider'],
    phone: row.phone,
    base_url: row.base_url,
    status: row.status as ChannelView['status'],
    status_detail: row.status_detail,
    capabilities: provider.capabilities,
    default_team_id: row.default_team_id,
    webhook: toWebhook(provider, row, public_url),
    send_within_s: row.send_within_s,
    on_unknown: row.on_unknown as ChannelView['on_unknown'],
    max_per_second: row.max_per_second,
    stuck_after_s: row.stuck_after_s,
    reopen_within_s: row.reopen_within_s,
    templates_synced_at: row.templates_synced_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

/** The same for events, which go further than to who may enter it at the provider: without what lets a gateway speak to us. */
export function tellChannel(row: ChannelsRow, public_url: string): ChannelView {
  const shown = toChannel(row, public_url);
  if (shown.type === 'official') return shown;
  return { ...shown, webhook: { url: `${public_url}/v1/inbound/${row.id}`, verify_token: '', headers: {} } };
}

/** What to enter at the provider: the official one signs, gateways show the token in a header or, where they send none, in the path. */
function toWebhook({ type, inbound }: Provider, row: ChannelsRow, public_url: string): ChannelView['webhook'] {
  const { id, verify_token } = row;
  const url = `${public_url}/v1/inbound/${id}`;
  if (type === 'official') return { url, verify_token, headers: {} };
  if (inbound.sends_headers === false) return { url: `${url}/${verify_token}`, verify_token, headers: {} };
  return { url, verify_token, headers: { 'x-conversar-token': verify_token } };
}
