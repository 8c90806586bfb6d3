/** What simulated persons can write. */
export const person_message_types = [
  'text',
  'image',
  'audio',
  'video',
  'document',
  'sticker',
  'location',
  'contacts',
  'button',
  'reaction',
] as const;

export type PersonMessageType = (typeof person_message_types)[number];

export interface PersonMessage {
  type: PersonMessageType;
  /** The text, caption, label or emoji; something fitting when left out. */
  text?: string | undefined;
  at: Date;
  /** The provider's id of the message that it answers or reacts to. */
  reply_to?: string | undefined;
}

/** With an accent, so that whoever signs other bytes than came in is found out. */
export const default_text = 'Olá! Recebi, obrigado. https://loja.example/a';

export const media_types = {
  image: 'image/jpeg',
  audio: 'audio/ogg; codecs=opus',
  video: 'video/mp4',
  document: 'application/pdf',
  sticker: 'image/webp',
} as const;
