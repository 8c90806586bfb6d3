import { createHash } from 'node:crypto';
import type { InboundEvent, InboundPerson } from './inbound.ts';
import type { Address, ChannelNews } from './provider.ts';
import { isObject, textOf } from './wire.ts';

/** What the gateways that drive WhatsApp Web share: addresses, ids, types of messages, and WhatsApp's lock on new chats. */

/**
 * The address in a JID (`55…@c.us`, `55…:12@s.whatsapp.net`, `138…@lid`), as a string or as an object with `_serialized`.
 * The device is left out and a number is written `…@c.us`; null for whatever is no person.
 */
export function addressOf(value: unknown): Address | null {
  const jid = serializedOf(value) ?? '';
  const [, user, server] = /^(\d{5,20})(?::\d+)?@(c\.us|s\.whatsapp\.net|lid)$/.exec(jid) ?? [];
  if (user === undefined) return null;
  if (server === 'lid') return { kind: 'lid', value: `${user}@lid` };
  return user.length <= 15 ? { kind: 'wa_id', value: `${user}@c.us` } : null;
}

/** Why a chat is none of ours, as the reason of an `ignored`; null where the address says nothing against it. */
export function chatReason(value: unknown): string | null {
  const jid = serializedOf(value) ?? '';
  if (jid.endsWith('@g.us')) return 'group';
  if (jid === 'status@broadcast') return 'story';
  if (jid.endsWith('@newsletter')) return 'newsletter';
  if (jid.endsWith('@broadcast')) return 'broadcast';
  return /^0(:\d+)?@/.test(jid) ? 'system_account' : null;
}

/** Both forms in which WhatsApp Web gives ids of chats and messages. */
export function serializedOf(value: unknown): string | null {
  const text = isObject(value) ? value._serialized : value;
  return typeof text === 'string' && text.length <= 512 ? text : null;
}

export interface MessageId {
  /** The stable part: the chat before it may change from number to LID. */
  id: string;
  from_me: boolean | null;
  chat: string | null;
}

/** An id of any form: `3EB0…`, `true_55…@c.us_3EB0…[_participant|_out]`, or an object of either. */
export function messageIdOf(value: unknown): MessageId | null {
  const text = isObject(value) ? (serializedOf(value) ?? serializedOf(value.id)) : serializedOf(value);
  if (text === null) return null;
  const [, from_me, chat, wrapped] = /^(true|false)_([^_]+)_([^_]+)/.exec(text) ?? [];
  const id = wrapped ?? text;
  if (!/^[\w.:-]{4,128}$/.test(id)) return null;
  return { id, from_me: from_me === undefined ? null : from_me === 'true', chat: chat ?? null };
}

/**
 * The person behind these JIDs, which one body holds to be the same one; null when none of them is a person's. WhatsApp makes
 * `…@c.us` of the number itself, so that it is a phone too, without the ninth digit in part of Brazil.
 */
export function personOf(jids: unknown[], profile_name: string | null): InboundPerson | null {
  const identities = identitiesOf(jids);
  return identities.length === 0 ? null : { identities, profile_name };
}

/** The first number, as wa_id and as phone, and the first LID. */
export function identitiesOf(jids: unknown[]): Address[] {
  const addresses = jids.flatMap((jid) => addressOf(jid) ?? []);
  const wa_id = addresses.find(({ kind }) => kind === 'wa_id');
  const lid = addresses.find(({ kind }) => kind === 'lid');
  const [, digits] = /^([1-9]\d{6,14})@/.exec(wa_id?.value ?? '') ?? [];
  const phone: Address[] = digits === undefined ? [] : [{ kind: 'phone', value: `+${digits}` }];
  return [...(wa_id ? [wa_id] : []), ...phone, ...(lid ? [lid] : [])];
}

/** How a person calls herself, at most 200 characters; null for nothing. */
export function nameOf(...values: unknown[]): string | null {
  for (const value of values) {
    const name = typeof value === 'string' ? textOf(value.slice(0, 200)) : null;
    if (name !== null) return name;
  }
  return null;
}

/** The digits that a gateway is given for a number, up to `most` of them; null for what is none. */
export function digitsOf({ kind, value }: Address, most = 15): string | null {
  if (kind !== 'phone' && kind !== 'wa_id') return null;
  const [, digits] = /^\+?(\d{6,15})(?:@(?:c\.us|s\.whatsapp\.net))?$/.exec(value) ?? [];
  return digits !== undefined && digits.length <= most ? digits : null;
}

/** The digits of a LID, with or without its suffix; null for what is none. */
export function lidDigitsOf({ kind, value }: Address): string | null {
  const [, digits] = /^(\d{5,20})(@lid)?$/.exec(value) ?? [];
  const is_lid = kind === 'lid' || (kind === 'wa_id' && value.endsWith('@lid'));
  return is_lid && digits !== undefined ? digits : null;
}

/** Message types of WhatsApp Web's own store in our words; what is not listed says nothing to us. */
const web_types: Record<string, string> = {
  chat: 'text',
  image: 'image',
  video: 'video',
  ptv: 'video',
  audio: 'audio',
  ptt: 'audio',
  document: 'document',
  sticker: 'sticker',
  location: 'location',
  vcard: 'contacts',
  multi_vcard: 'contacts',
  buttons_response: 'button_reply',
  template_button_reply: 'button_reply',
  list_response: 'list_reply',
  interactive_response: 'form_reply',
  order: 'order',
  product: 'product',
  poll_creation: 'unsupported',
};

/** Our type for one of the store's; null for notices, placeholders and what nobody has heard of. */
export function webType(type: string): string | null {
  return Object.hasOwn(web_types, type) ? (web_types[type] ?? null) : null;
}

export function ignored(reason: string): InboundEvent {
  return { kind: 'ignored', reason };
}

/** WhatsApp's error 463, wherever it shows: this number may not open new chats. A line number in a stack is none. */
export function isReachOutLock(message: string): boolean {
  return /(?<![\d.:])463(?!\d|:\d)|reach-?out|shadow_?ban|account has been restricted/i.test(message);
}

export function restricted(detail: string): ChannelNews {
  return { status: 'restricted', detail };
}

export function disconnected(detail: string): ChannelNews {
  return { status: 'disconnected', detail };
}

/** A message id of WhatsApp Web's own form, the same for the same seed. */
export function deriveMessageId(seed: string): string {
  return `3EB0${createHash('sha256').update(seed).digest('hex').slice(0, 18).toUpperCase()}`;
}
