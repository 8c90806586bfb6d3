import type { Scope } from '../../context.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { toStorableJson } from '../../db/storable-json.ts';
import type { InboundEvent } from '../../providers/inbound.ts';
import { findProvider } from '../../providers/registry.ts';
import type { ClaimedBody } from './inbound.repository.ts';
import { bodyBinding } from './sealed.ts';

/** A body, read. */
export interface ReadBody {
  body: ClaimedBody;
  events: InboundEvent[];
}

/** What a body tells; null where it is no JSON. */
export function readBody(
  scope: Scope,
  channel: ChannelsRow,
  credentials: Record<string, string>,
  { id, body, received_at }: ClaimedBody,
): InboundEvent[] | null {
  const text = scope.vault.unseal(body, bodyBinding(id)).toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  // NUL and half surrogates are legal JSON and no text that can be kept. JSON has them as escapes alone.
  const storable: unknown = /\\u(?:0000|d[89a-f])/i.test(text) ? JSON.parse(toStorableJson(parsed)) : parsed;
  return findProvider(channel.provider).inbound.parse(storable, credentials, received_at);
}
