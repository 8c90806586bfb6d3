import { createHash } from 'node:crypto';
import type { Members } from './json.ts';
import type { Person } from './people.ts';
import { default_text, media_types, type PersonMessage } from './person-message.ts';

/** A member of `messages[]`. */
export function graphPersonMessage(person: Person, id: string, message: PersonMessage): Members {
  const { reply_to, type } = message;
  const context = reply_to === undefined || type === 'reaction' ? {} : { context: { id: reply_to } };
  return {
    ...(person.wa_id === null ? {} : { from: person.wa_id }),
    ...(person.bsuid === null ? {} : { from_user_id: person.bsuid }),
    id,
    timestamp: String(Math.floor(message.at.getTime() / 1000)),
    type,
    ...context,
    [type]: contentOf(id, message),
  };
}

function contentOf(id: string, { type, text, reply_to }: PersonMessage): unknown {
  switch (type) {
    case 'text':
      return { body: text ?? default_text };
    case 'image':
    case 'video':
      return { ...mediaOf(id, type), caption: text ?? 'Segue a foto' };
    case 'audio':
      return { ...mediaOf(id, type), voice: true };
    case 'document':
      return { ...mediaOf(id, type), filename: 'pedido.pdf', ...(text === undefined ? {} : { caption: text }) };
    case 'sticker':
      return { ...mediaOf(id, type), animated: false };
    case 'location':
      return { latitude: -19.9245, longitude: -43.9352, name: text ?? 'Praça da Liberdade', address: 'Belo Horizonte' };
    case 'contacts':
      return [{ name: { formatted_name: text ?? 'Bia', first_name: text ?? 'Bia' }, phones: [], origin: 'other' }];
    case 'button':
      return { payload: text ?? 'Sim', text: text ?? 'Sim' };
    case 'reaction':
      return { message_id: reply_to ?? id, emoji: text ?? '👍' };
  }
}

function mediaOf(id: string, type: keyof typeof media_types): Members {
  const hash = createHash('sha256').update(id).digest();
  const media_id = String(hash.readBigUInt64BE() % 10n ** 16n);
  const url = `https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=${media_id}`;
  return { id: media_id, mime_type: media_types[type], sha256: hash.toString('base64'), url };
}
