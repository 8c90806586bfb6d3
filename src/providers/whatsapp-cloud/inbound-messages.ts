import type { InboundEvent } from '../inbound.ts';
import type { Address } from '../provider.ts';
import { isObject, type Json, listAt, objectAt, stringOf, timeOf } from '../wire.ts';
import { type Content, readContent } from './inbound-content.ts';
import { type Cards, identitiesOf, personOf } from './inbound-people.ts';

/** A change of a webhook's body, with what its items share. */
export interface Change {
  value: Json;
  /** Its `contacts`. */
  cards: Cards;
  credentials: Record<string, string>;
  /** For items that tell no time of their own. */
  at: Date;
}

export function ignored(reason: string): InboundEvent {
  return { kind: 'ignored', reason };
}

/** One of `messages`: what a person wrote, changed, took back, or became. */
export function readMessage(message: unknown, change: Change): InboundEvent {
  if (!isObject(message)) return ignored('no_content');
  if (isGroup(message)) return ignored('group');
  const at = timeOf(message.timestamp) ?? change.at;
  switch (message.type) {
    case 'system':
      return readSystem(message, at);
    case 'edit':
    case 'revoke':
      return readChange(message.type, message, at);
  }
  const provider_message_id = stringOf(message.id);
  const { from: phone, from_user_id: user_id, from_parent_user_id: parent_user_id } = message;
  const from = personOf({ phone, user_id, parent_user_id }, change, 'messages');
  const content = readContent(message);
  if (content.kind === 'none') return ignored(content.reason);
  if (message.type === 'contacts') from.identities = withSharedNumber(from.identities, message);
  if (provider_message_id === null || from.identities.length === 0) return ignored('incomplete');
  const { kind: _, opens, ...said } = content;
  return { kind: 'message', provider_message_id, at, from, ...said, reply_to: answered(message), opens };
}

/** A message of ours that a person of the company typed in the app. */
export function readEcho(message: unknown, change: Change): InboundEvent {
  if (!isObject(message)) return ignored('no_content');
  if (isGroup(message)) return ignored('group');
  if (message.type === 'edit' || message.type === 'revoke') return ignored('own_change');
  if (message.type === 'reaction') return ignored('own_reaction');
  const provider_message_id = stringOf(message.id);
  const { to: phone, to_user_id: user_id, to_parent_user_id: parent_user_id } = message;
  const to = personOf({ phone, user_id, parent_user_id }, change, 'message_echoes');
  const content = readContent(message);
  if (content.kind === 'none') return ignored(content.reason);
  if (provider_message_id === null || to.identities.length === 0) return ignored('incomplete');
  const { kind: _, opens: __, ...said } = content;
  const at = timeOf(message.timestamp) ?? change.at;
  return { kind: 'echo', provider_message_id, correlator: null, at, to, ...said, is_pending: false };
}

/** What it quotes or reacts to. */
function answered(message: Json): string | null {
  if (message.type === 'reaction') return stringOf(objectAt(message, 'reaction').message_id);
  return stringOf(objectAt(message, 'context').id);
}

function readChange(kind: 'edit' | 'revoke', message: Json, at: Date): InboundEvent {
  const change = objectAt(message, kind);
  const original_id = stringOf(change.original_message_id);
  if (original_id === null) return ignored('incomplete');
  if (kind === 'revoke') return { kind, original_id, at, text: null };
  const content: Content = readContent(objectAt(change, 'message'));
  return content.kind === 'none' ? ignored(content.reason) : { kind, original_id, at, text: content.text };
}

/**
 * Someone has another number or user id. With another user id the number in `from` stays theirs; with another number it
 * does not.
 */
function readSystem(message: Json, at: Date): InboundEvent {
  const system = objectAt(message, 'system');
  const { from, from_user_id } = message;
  const { wa_id, user_id, parent_user_id, previous_user_id, previous_parent_user_id } = system;
  const before = identitiesOf({
    phone: from,
    user_id: previous_user_id || from_user_id,
    parent_user_id: previous_parent_user_id,
  });
  switch (system.type) {
    case 'user_changed_number':
      return renamed(at, before, identitiesOf({ phone: wa_id, user_id, parent_user_id }));
    case 'user_changed_user_id':
      return user_id
        ? renamed(at, before, identitiesOf({ phone: from, user_id, parent_user_id }))
        : ignored('incomplete');
    case 'customer_identity_changed':
      return ignored('identity_key_changed');
    default:
      return ignored('system');
  }
}

function renamed(at: Date, before: Address[], after: Address[]): InboundEvent {
  if (before.length === 0 || after.length === 0) return ignored('incomplete');
  return { kind: 'identity', at, before, after };
}

/** The answer to our request for the number: the card is the sender's own. */
function withSharedNumber(identities: Address[], message: Json): Address[] {
  const [card, another] = listAt(message, 'contacts');
  if (!isObject(card) || another !== undefined || card.origin !== 'contact_request') return identities;
  if (identities.some(({ kind }) => kind === 'phone')) return identities;
  const phones = listAt(card, 'phones').filter(isObject);
  const shared = phones.find(({ wa_id }) => stringOf(wa_id) !== null);
  if (shared) return [...identitiesOf({ wa_id: shared.wa_id }), ...identities];
  // WhatsApp does not always say its own id. A number is one with its country code alone.
  const [only, second] = phones.map(({ phone }) => stringOf(phone)?.replace(/[\s().-]/g, ''));
  const is_clear = only !== undefined && second === undefined && /^\+[1-9]\d{6,14}$/.test(only ?? '');
  return is_clear ? [{ kind: 'phone', value: String(only) }, ...identities] : identities;
}

/** Absent and empty alike are no group. */
export function isGroup(item: Json): boolean {
  return Boolean(item.group_id);
}
