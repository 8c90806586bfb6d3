import type { InboundMedia } from '../inbound.ts';
import { isObject, type Json, keepable, listAt, objectAt, stringOf, textOf } from '../wire.ts';

/** What a message of WhatsApp Web says, whoever wrote it; or why it says nothing to us. */
export type Content =
  | {
      kind: 'content';
      type: string;
      text: string | null;
      media: InboundMedia | null;
      reply_to: string | null;
      opens: boolean;
    }
  | { kind: 'none'; reason: string };

const wrappers = [
  'ephemeralMessage',
  'viewOnceMessage',
  'viewOnceMessageV2',
  'viewOnceMessageV2Extension',
  'documentWithCaptionMessage',
  'deviceSentMessage',
  'lottieStickerMessage',
  'editedMessage',
];
const max_wrappers = 5;

/** By the member's name, in the order in which they are looked for: the message itself, then what travels beside one. */
const readers: [member: string, read: (part: Json, whole: Json) => Part][] = [
  ['extendedTextMessage', (part) => ({ type: 'text', text: part.text })],
  ['imageMessage', (part, whole) => mediaPart('image', part, whole)],
  ['videoMessage', (part, whole) => mediaPart('video', part, whole)],
  ['ptvMessage', (part, whole) => mediaPart('video', part, whole)],
  ['audioMessage', (part, whole) => mediaPart('audio', part, whole)],
  ['documentMessage', (part, whole) => mediaPart('document', part, whole)],
  ['stickerMessage', (part, whole) => mediaPart('sticker', part, whole)],
  ['locationMessage', locationPart],
  ['liveLocationMessage', locationPart],
  ['contactMessage', (part) => ({ type: 'contacts', media: { contacts: [cardOf(part)] } })],
  ['contactsArrayMessage', (part) => ({ type: 'contacts', media: { contacts: listAt(part, 'contacts').map(cardOf) } })],
  ['buttonsResponseMessage', (part) => reply('button_reply', part.selectedDisplayText, part.selectedButtonId)],
  ['templateButtonReplyMessage', (part) => reply('button_reply', part.selectedDisplayText, part.selectedId)],
  ['listResponseMessage', (part) => reply('list_reply', part.title, objectAt(part, 'singleSelectReply').selectedRowId)],
  ['interactiveResponseMessage', flowPart],
  [
    'orderMessage',
    (part) => ({ type: 'order', text: part.message, media: { id: part.orderId, title: part.orderTitle } }),
  ],
  ...['', 'V2', 'V3', 'V4', 'V5'].map((version): (typeof readers)[number] => [
    `pollCreationMessage${version}`,
    (part) => unsupported('poll', part.name),
  ]),
  ['eventMessage', (part) => unsupported('event', part.name)],
  ['groupInviteMessage', () => unsupported('group_invite', null)],
];

/** Deeds and signals, which are no messages. */
const deeds = new Map([
  ['reactionMessage', 'reaction'],
  ['encReactionMessage', 'reaction'],
  ['pollUpdateMessage', 'poll_vote'],
  ['protocolMessage', 'protocol'],
  ['senderKeyDistributionMessage', 'protocol'],
  ['keepInChatMessage', 'protocol'],
  ['pinInChatMessage', 'protocol'],
  ['callLogMesssage', 'call'],
  ['call', 'call'],
]);

interface Part {
  type: string;
  text?: unknown;
  media?: Json;
  opens?: boolean;
}

/** The content of `data.message`; `data` holds the context in some builds, the message itself in others. */
export function readContent(data: Json): Content {
  const whole = objectAt(data, 'message');
  const message = unwrap(whole);
  if (Object.keys(message).length === 0) return { kind: 'none', reason: 'no_content' };
  const text = textOf(message.conversation);
  if (text !== null) return finish({ type: 'text', text }, objectAt(data, 'contextInfo'));
  for (const [member, read] of readers) {
    const part = message[member];
    if (!isObject(part)) continue;
    const context = { ...objectAt(data, 'contextInfo'), ...objectAt(part, 'contextInfo') };
    // Where its bytes are stands outside of what it is wrapped in.
    return finish(read(part, { mediaUrl: whole.mediaUrl, ...message }), context);
  }
  const deed = Object.keys(message).find((member) => deeds.has(member));
  const reason = deeds.get(deed ?? '') ?? ('conversation' in message ? 'no_content' : 'unknown_type');
  return { kind: 'none', reason };
}

/** A message may sit in others: disappearing, seen once, with a caption. */
function unwrap(message: Json): Json {
  let inner = message;
  for (let depth = 0; depth < max_wrappers; depth += 1) {
    const wrapper = wrappers.find((name) => isObject(inner[name]));
    if (wrapper === undefined) break;
    inner = objectAt(inner[wrapper], 'message');
  }
  return inner;
}

function finish({ type, text, media = {}, opens = true }: Part, context: Json): Content {
  const said = textOf(text);
  if (type === 'text' && said === null) return { kind: 'none', reason: 'no_content' };
  const { sourceUrl, title, body, mediaType, ctwaClid } = objectAt(context, 'externalAdReply');
  const referral = keepable({
    source_url: sourceUrl,
    headline: title,
    body,
    media_type: mediaType,
    ctwa_clid: ctwaClid,
  });
  const kept = keepable({ ...media, referral });
  return { kind: 'content', type, text: said, media: kept, reply_to: stringOf(context.stanzaId), opens };
}

/** Ids and metadata: neither the bytes (`base64`) nor the key that opens them. */
function mediaPart(type: string, part: Json, whole: Json): Part {
  const { mimetype: mime_type, fileName: filename, ptt: voice, isAnimated: animated, seconds } = part;
  const size_bytes = integerOf(part.fileLength);
  return {
    type,
    text: part.caption,
    media: { mime_type, filename, size_bytes, seconds, voice, animated, url: whole.mediaUrl },
  };
}

function locationPart({ degreesLatitude: latitude, degreesLongitude: longitude, name, address, url }: Json): Part {
  return { type: 'location', media: { latitude, longitude, name, address, url } };
}

function flowPart(part: Json): Part {
  const { name, paramsJson: response_json } = objectAt(part, 'nativeFlowResponseMessage');
  return { type: 'form_reply', text: objectAt(part, 'body').text, media: { name, response_json } };
}

function reply(type: string, text: unknown, id: unknown): Part {
  return { type, text, media: { id } };
}

function unsupported(unsupported_type: string, text: unknown): Part {
  return { type: 'unsupported', text, media: { unsupported_type }, opens: false };
}

function cardOf(card: unknown): Json {
  const { displayName: name, vcard } = objectAt({ card }, 'card');
  return { name, vcard };
}

/** A number, its digits, or the two halves in which JavaScript clients write one of 64 bits. */
export function integerOf(value: unknown): number | null {
  const low = isObject(value) && value.high === 0 && typeof value.low === 'number' ? value.low >>> 0 : value;
  const number = typeof low === 'string' && /^\d{1,15}$/.test(low) ? Number(low) : low;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : null;
}
