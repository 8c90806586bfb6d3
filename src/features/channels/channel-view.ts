import type { ChannelsRow } from '../../db/rows.ts';
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
    webhook: {
      url: `${public_url}/v1/inbound/${row.id}`,
      verify_token: row.verify_token,
      headers: provider.type === 'official' ? {} : { 'x-conversar-token': row.verify_token },
    },
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
