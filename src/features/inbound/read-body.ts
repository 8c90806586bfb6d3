import type { Scope } from '../../context.ts';
import { messageOf } from '../../db/pg-errors.ts';
import type { ChannelsRow } from '../../db/rows.ts';
import { toStorableJson } from '../../db/storable-json.ts';
import type { InboundEvent } from '../../providers/inbound.ts';
import { findProvider } from '../../providers/registry.ts';
import type { ClaimedBody } from './inbound.repository.ts';
import { most_places } from './message-id.ts';
import { bodyBinding } from './sealed.ts';

/** A body, read. */
export interface ReadBody {
  body: ClaimedBody;
  events: InboundEvent[];
}

/** What a body tells; as a text, why that cannot be read. Whatever the body is, it is the reason of no other one. */
export function readBody(
  scope: Scope,
  channel: ChannelsRow,
  credentials: Record<string, string>,
  { id, body, received_at }: ClaimedBody,
): InboundEvent[] | string {
  try {
    const text = scope.vault.unseal(body, bodyBinding(id)).toString('utf8');
    const events = findProvider(channel.provider).inbound.parse(parseStorable(text), credentials, received_at);
    return events.length > most_places
      ? `the body tells of ${events.length} events, and may of ${most_places}`
      : events;
  } catch (error) {
    return error instanceof SyntaxError ? 'the body is no JSON' : `the body cannot be read: ${messageOf(error)}`;
  }
}

/** NUL and half surrogates are legal JSON and no text that can be kept. JSON has them as escapes alone. */
function parseStorable(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  // What is nested too deep can be parsed, and not written: a RangeError.
  return /\\u(?:0000|d[89a-f])/i.test(text) ? JSON.parse(toStorableJson(parsed)) : parsed;
}
