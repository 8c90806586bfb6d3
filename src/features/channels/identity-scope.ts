import type { ChannelsRow } from '../../db/rows.ts';

/** Where a name that a provider has for a person is unique: the portfolio for its opaque ids, else the channel. */
export function identityScopeOf(channel: Pick<ChannelsRow, 'id' | 'identity_scope'>, kind: string): string {
  const is_opaque = kind === 'bsuid' || kind === 'parent_bsuid';
  return (is_opaque ? channel.identity_scope : null) ?? `channel:${channel.id}`;
}
