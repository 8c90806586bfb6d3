import type { Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import type { HttpClient } from '../../outbound/outbound.ts';
import type { Provider, ProviderCall } from '../../providers/provider.ts';
import { findProvider } from '../../providers/registry.ts';

/** What every call to a provider needs beside its channel. */
export interface Outside {
  http: HttpClient;
  graph_version: string;
  send_timeout_ms: number;
}

export const credentials_binding = (channel_id: string) => `channels.credentials:${channel_id}`;

/** A channel's credentials, unsealed: keep them for the call and no longer; only the door keeps them, with the channel as it was read. */
export function readCredentials(
  { vault }: Pick<Scope, 'vault'>,
  channel: Pick<ChannelsRow, 'id' | 'credentials'>,
): Record<string, string> {
  const plaintext = vault.unseal(channel.credentials, credentials_binding(channel.id));
  return JSON.parse(plaintext.toString()) as Record<string, string>;
}

/** The provider of a channel and a call to it, credentials unsealed: keep it for the call and no longer. */
export function toProviderCall(
  scope: Pick<Scope, 'vault' | 'signal'>,
  outside: Outside,
  channel: Pick<ChannelsRow, 'id' | 'provider' | 'base_url' | 'credentials'>,
): { provider: Provider; call: ProviderCall } {
  return {
    provider: findProvider(channel.provider),
    call: {
      http: outside.http,
      base_url: channel.base_url,
      credentials: readCredentials(scope, channel),
      graph_version: outside.graph_version,
      timeout_ms: outside.send_timeout_ms,
      signal: scope.signal,
    },
  };
}
