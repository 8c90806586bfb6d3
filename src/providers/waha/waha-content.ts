import type { InboundMedia } from '../inbound.ts';
import { webType } from '../whatsapp-web.ts';
import { isObject, type Json, keepable, objectAt, stringOf, textOf } from '../wire.ts';

/** What a message says, or why it says nothing to us. */
export type Content =
  | { kind: 'content'; type: string; text: string | null; media: InboundMedia | null }
  | { kind: 'none'; reason: string };

/** The engines agree on the outer members only; WEBJS and WPP tell the store's type in `_data`. */
export function readContent(payload: Json): Content {
  const told = stringOf(objectAt(payload, '_data').type, 40);
  const type = told === null ? guessType(payload) : webType(told);
  if (type === null) return { kind: 'none', reason: told === null ? 'no_content' : 'unknown_type' };
  const text = textOf(payload.body);
  switch (type) {
    case 'location': {
      const { latitude, longitude, title, description } = objectAt(payload, 'location');
      return said(type, textOf(description), { latitude, longitude, name: title });
    }
    case 'contacts':
      return said(type, null, { vcards: payload.vCards });
    case 'unsupported':
      return said(type, text, { unsupported_type: 'poll' });
    case 'text':
      return text === null ? { kind: 'none', reason: 'no_content' } : said(type, text, {});
    default:
      return said(type, text, mediaOf(payload));
  }
}

function guessType(payload: Json): string | null {
  if (isObject(payload.location)) return 'location';
  if (Array.isArray(payload.vCards) && payload.vCards.length > 0) return 'contacts';
  const { mimetype } = objectAt(payload, 'media');
  if (payload.hasMedia === true || isObject(payload.media)) return typeOfMedia(stringOf(mimetype, 128) ?? '');
  return textOf(payload.body) === null ? null : 'text';
}

function typeOfMedia(mimetype: string): string {
  if (mimetype.startsWith('image/webp')) return 'sticker';
  const [family = ''] = mimetype.split('/');
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'document';
}

/** The file stays with the gateway, which wants its key for it. */
function mediaOf(payload: Json): Json {
  const { url, mimetype, filename, error } = objectAt(payload, 'media');
  return { url, mime_type: mimetype, filename, error };
}

function said(type: string, text: string | null, media: Json): Content {
  return { kind: 'content', type, text, media: keepable(media) };
}
