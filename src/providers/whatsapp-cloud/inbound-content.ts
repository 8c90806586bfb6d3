import type { InboundMedia } from '../inbound.ts';
import { isObject, type Json, keepable, objectAt, stringOf, textOf } from '../wire.ts';

/** What a message says, whoever wrote it; or why it says nothing to us. */
export type Content =
  | { kind: 'content'; type: string; text: string | null; media: InboundMedia | null; opens: boolean }
  | { kind: 'none'; reason: string };

/** Of media: `url` is left out, it lives for five minutes. */
const media_members = ['id', 'mime_type', 'sha256', 'filename', 'voice', 'animated'];
/** What somebody did to a message, and not a message that Cloud API cannot show. */
const unsupported_deeds = new Set(['edit', 'pin', 'revoke', 'delete', 'reaction', 'poll_update', 'keep_in_chat']);

/** The content of a message of E.4's types; `edit`, `revoke` and `system` are none. */
export function readContent(message: Json): Content {
  const content = readKind(message);
  if (content.kind === 'none') return content;
  const { referral, context } = message;
  const beside = keepable({ referral, referred_product: objectAt({ context }, 'context').referred_product });
  if (beside === null) return content;
  const opens = content.opens || (isObject(referral) && content.type !== 'reaction');
  return { ...content, media: { ...content.media, ...beside }, opens };
}

function readKind(message: Json): Content {
  const type = stringOf(message.type, 40);
  if (type === null) return { kind: 'none', reason: 'unknown_type' };
  if (type === 'unsupported') return readUnsupported(message);
  if (type === 'contacts') {
    const { contacts } = message;
    return Array.isArray(contacts) && contacts.length > 0 ? said('contacts', null, { contacts }) : nothing();
  }
  const body = message[type];
  if (Object.hasOwn(message, type) && isObject(body)) return readBody(type, body);
  return known_types.has(type) ? nothing() : { kind: 'none', reason: 'unknown_type' };
}

const known_types = new Set(
  'text image video audio document sticker location interactive button order reaction'.split(' '),
);

function readBody(type: string, body: Json): Content {
  switch (type) {
    case 'text':
      return textOf(body.body) === null ? nothing() : said('text', body.body);
    case 'image':
    case 'video':
    case 'audio':
    case 'document':
    case 'sticker':
      return said(type, body.caption, pick(body, media_members));
    case 'location':
      return said('location', null, pick(body, ['latitude', 'longitude', 'name', 'address', 'url']));
    case 'button':
      return said('button_reply', body.text, pick(body, ['payload']));
    case 'interactive':
      return readInteractive(body);
    case 'order':
      return said('order', body.text, pick(body, ['catalog_id', 'product_items']));
    case 'reaction':
      return { ...said('reaction', body.emoji), opens: false };
    case 'request_welcome':
      return { kind: 'none', reason: 'request_welcome' };
    default:
      return { kind: 'none', reason: 'unknown_type' };
  }
}

function readInteractive(body: Json): Content {
  const type = stringOf(body.type, 40) ?? '';
  const reply = objectAt(body, type);
  switch (type) {
    case 'button_reply':
      return said('button_reply', reply.title, pick(reply, ['id']));
    case 'list_reply':
      return said('list_reply', reply.title, pick(reply, ['id', 'description']));
    case 'nfm_reply':
      return said('form_reply', reply.body, { name: reply.name, response_json: reply.response_json });
    case 'call_permission_reply':
      return { kind: 'none', reason: 'call_permission' };
    default:
      return type === '' ? nothing() : { kind: 'none', reason: 'unknown_type' };
  }
}

function readUnsupported(message: Json): Content {
  const type = stringOf(objectAt(message, 'unsupported').type, 64);
  const content = said('unsupported', null, { unsupported_type: type });
  return { ...content, opens: type === null || !unsupported_deeds.has(type) };
}

function said(type: string, text: unknown, media: Json = {}): Extract<Content, { kind: 'content' }> {
  return { kind: 'content', type, text: textOf(text), media: keepable(media), opens: true };
}

function nothing(): Content {
  return { kind: 'none', reason: 'no_content' };
}

function pick(body: Json, members: string[]): Json {
  return Object.fromEntries(members.map((member) => [member, body[member]]));
}
