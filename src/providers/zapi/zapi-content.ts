import type { InboundMedia } from '../inbound.ts';
import { isObject, type Json, keepable, objectAt, textOf } from '../wire.ts';

/** What a message says, or why it says nothing to us. */
export type Content =
  | { kind: 'content'; type: string; text: string | null; media: InboundMedia | null }
  | { kind: 'none'; reason: string };

type Reader = (part: Json) => { text?: unknown; media?: Json };

const media: Reader = (part) => ({ text: part.caption, media: part });

/** The name of the one member that holds the content says its kind; in the order in which they are looked for. */
const kinds: [member: string, type: string, read: Reader][] = [
  ['image', 'image', media],
  ['video', 'video', media],
  ['ptv', 'video', media],
  ['audio', 'audio', media],
  ['document', 'document', media],
  ['sticker', 'sticker', media],
  ['location', 'location', (part) => ({ media: part })],
  ['contact', 'contacts', (part) => ({ media: { contacts: [part] } })],
  ['contacts', 'contacts', (part) => ({ media: part })],
  ['buttonsResponseMessage', 'button_reply', (part) => ({ text: part.message, media: { id: part.buttonId } })],
  [
    'hydratedButtonReplyMessage',
    'button_reply',
    (part) => ({ text: part.message ?? part.selectedDisplayText, media: part }),
  ],
  [
    'listResponseMessage',
    'list_reply',
    (part) => ({ text: part.title ?? part.message, media: { id: part.selectedRowId, description: part.message } }),
  ],
  ['order', 'order', (part) => ({ text: part.message, media: part })],
  ['product', 'product', (part) => ({ text: part.title, media: part })],
  ['poll', 'unsupported', (part) => ({ text: part.question, media: { unsupported_type: 'poll' } })],
  ['hydratedTemplate', 'text', (part) => ({ text: part.message })],
  ['text', 'text', (part) => ({ text: part.message })],
];

/** Known members that a person did not write, or that no attendance begins with. */
const idle: Record<string, string> = { pollVote: 'poll_vote', requestPayment: 'payment', sendPayment: 'payment' };

/** Files stay where Z-API keeps them, for 30 days: the link is kept, and a thumbnail is not. */
export function readContent(body: Json): Content {
  for (const [member, reason] of Object.entries(idle)) {
    if (isObject(body[member])) return { kind: 'none', reason };
  }
  for (const [member, type, read] of kinds) {
    const part = objectAt(body, member);
    if (!isObject(body[member]) && !Array.isArray(body[member])) continue;
    const { text, media = {} } = read(Array.isArray(body[member]) ? { contacts: body[member] } : part);
    const words = textOf(text);
    const kept = keepable(withoutThumbnails(media));
    if (words === null && (type === 'text' || kept === null)) return { kind: 'none', reason: 'no_content' };
    return { kind: 'content', type, text: words, media: kept };
  }
  return { kind: 'none', reason: 'unknown_type' };
}

function withoutThumbnails({ thumbnailUrl: _, ...media }: Json): Json {
  return media;
}
