import { evolution } from './evolution/evolution.ts';
import type { Provider } from './provider.ts';
import { waha } from './waha/waha.ts';
import { whatsapp_cloud } from './whatsapp-cloud/whatsapp-cloud.ts';
import { wppconnect } from './wppconnect/wppconnect.ts';
import { zapi } from './zapi/zapi.ts';

const providers = { whatsapp_cloud, evolution, waha, zapi, wppconnect } satisfies Record<string, Provider>;

export type ProviderName = keyof typeof providers;

/** Every provider that a channel may have, by the name that it has in the API. */
export const registry: Record<ProviderName, Provider> = providers;

export const provider_names = Object.keys(providers) as ProviderName[];

/** The provider of a stored channel; throws on a name that no line of the registry has. */
export function findProvider(name: string): Provider {
  const provider = Object.hasOwn(registry, name) ? registry[name as ProviderName] : undefined;
  if (!provider) throw new Error(`no provider is called ${name}`);
  return provider;
}
