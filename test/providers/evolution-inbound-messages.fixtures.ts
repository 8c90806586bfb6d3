import type { InboundCase } from '../support/provider-fixtures.ts';
import {
  by_both,
  by_lid,
  dropped,
  heard,
  image,
  inner_message,
  type Json,
  jid,
  kept_image,
  lid,
  type Writer,
} from './evolution-inbound.bodies.ts';

const ad = { sourceUrl: 'https://fb.example/1', title: 'Promo', ctwaClid: 'x' };

/** `message`, and what of it must be told. */
const said: [title: string, message: Json, expected: Json][] = [
  [
    'a text with a quote and an ad',
    {
      extendedTextMessage: { text: 'sim', contextInfo: { stanzaId: '3EB0C1', externalAdReply: ad } },
      messageContextInfo: {},
    },
    { type: 'text', text: 'sim', reply_to: '3EB0C1', media: { referral: { headline: 'Promo', ctwa_clid: 'x' } } },
  ],
  [
    'an image with bytes that are not kept',
    { imageMessage: { ...image, caption: 'a foto' }, base64: 'AAAA', mediaUrl: 'https://s3.example/1' },
    { type: 'image', text: 'a foto', media: { ...kept_image, url: 'https://s3.example/1', base64: undefined } },
  ],
  [
    'a document with a caption: where its bytes are stands outside of it',
    {
      documentWithCaptionMessage: { message: { documentMessage: { ...image, caption: 'o contrato' } } },
      mediaUrl: 'https://s3.example/2',
    },
    { type: 'document', text: 'o contrato', media: { url: 'https://s3.example/2' } },
  ],
  ['a video', { videoMessage: { ...image, seconds: 9 } }, { type: 'video', media: { seconds: 9 } }],
  ['a round video', { ptvMessage: image }, { type: 'video' }],
  ['a voice message', { audioMessage: { ...image, ptt: true } }, { type: 'audio', media: { voice: true } }],
  [
    'a document',
    { documentMessage: { ...image, fileName: 'a.pdf' } },
    { type: 'document', media: { filename: 'a.pdf' } },
  ],
  ['a sticker', { stickerMessage: { ...image, isAnimated: true } }, { type: 'sticker', media: { animated: true } }],
  [
    'a place',
    { locationMessage: { degreesLatitude: -19.92, degreesLongitude: -43.94, name: 'Loja' } },
    { type: 'location', media: { latitude: -19.92, longitude: -43.94, name: 'Loja' } },
  ],
  [
    'a card',
    { contactMessage: { displayName: 'Bia', vcard: 'BEGIN:VCARD' } },
    { type: 'contacts', media: { contacts: [{ name: 'Bia' }] } },
  ],
  [
    'cards',
    { contactsArrayMessage: { contacts: [{ displayName: 'Bia' }, { displayName: 'Caio' }] } },
    { type: 'contacts', media: { contacts: [{ name: 'Bia' }, { name: 'Caio' }] } },
  ],
  [
    'a button',
    { buttonsResponseMessage: { selectedButtonId: 'y', selectedDisplayText: 'Sim' } },
    { type: 'button_reply', text: 'Sim', media: { id: 'y' } },
  ],
  [
    'a button of a template',
    { templateButtonReplyMessage: { selectedId: 'y', selectedDisplayText: 'Sim' } },
    { type: 'button_reply', text: 'Sim' },
  ],
  [
    'a row of a list',
    { listResponseMessage: { title: 'Manhã', singleSelectReply: { selectedRowId: 'r' } } },
    { type: 'list_reply', text: 'Manhã', media: { id: 'r' } },
  ],
  [
    'a flow',
    {
      interactiveResponseMessage: {
        body: { text: 'Feito' },
        nativeFlowResponseMessage: { name: 'f', paramsJson: '{}' },
      },
    },
    { type: 'form_reply', text: 'Feito', media: { name: 'f', response_json: '{}' } },
  ],
  [
    'an order',
    { orderMessage: { orderId: 'o1', message: 'para hoje' } },
    { type: 'order', text: 'para hoje', media: { id: 'o1' } },
  ],
  [
    'a poll joins, and opens nothing',
    { pollCreationMessageV3: { name: 'Quando?' } },
    { type: 'unsupported', text: 'Quando?', opens: false },
  ],
  ['a text that disappears', { ephemeralMessage: { message: inner_message } }, { type: 'text', text: 'Oi' }],
  [
    'an image to be seen once',
    { viewOnceMessageV2: { message: { imageMessage: image } } },
    { type: 'image', media: kept_image },
  ],
  [
    'a document with a caption, in two wrappers',
    {
      ephemeralMessage: {
        message: { documentWithCaptionMessage: { message: { documentMessage: { ...image, caption: 'segue' } } } },
      },
    },
    { type: 'document', text: 'segue' },
  ],
];

/** `data`, and why it tells nothing. */
const unsaid: [title: string, data: Json, reason: string][] = [
  ['a reaction', { message: { reactionMessage: { key: { id: '3EB0' }, text: '👍' } } }, 'reaction'],
  ['a vote', { message: { pollUpdateMessage: { vote: {} } } }, 'poll_vote'],
  ['a signal of the protocol', { message: { protocolMessage: { type: 'EPHEMERAL_SETTING' } } }, 'protocol'],
  ['keys', { message: { senderKeyDistributionMessage: { groupId: 'x' } } }, 'protocol'],
  ['nothing', { message: {} }, 'no_content'],
  ['a notice of the app', { message: null, messageStubType: 2, messageStubParameters: ['x'] }, 'stub'],
  ['a kind from the future', { message: { hologramMessage: {} } }, 'unknown_type'],
];

export function contentCases({ upsert }: Writer): InboundCase[] {
  return [
    ...said.map(([title, message, expected]) => ({ title, body: upsert({ message }), expected: heard(expected) })),
    ...unsaid.map(([title, data, reason]) => ({ title, body: upsert(data), expected: dropped(reason) })),
  ];
}

export function personCases({ upsert, bodyOf }: Writer): InboundCase[] {
  const named = (title: string, key: Json, identities: Json[]): InboundCase => {
    return { title, body: upsert({}, key), expected: heard({ from: { identities, profile_name: 'José' } }) };
  };
  const chats = {
    story: 'status@broadcast',
    broadcast: '1790000000@broadcast',
    newsletter: '120363000000000002@newsletter',
    system_account: '0@s.whatsapp.net',
  };
  return [
    named('2.3.7: the number, the LID beside it', { remoteJidAlt: lid }, by_both),
    named('2.3.6: the LID, the number beside it', { remoteJid: lid, remoteJidAlt: jid }, by_both),
    named(
      '2.3.5: the LID, the number in senderPn',
      { remoteJid: lid, senderPn: '553188880001:7@s.whatsapp.net' },
      by_both,
    ),
    named('a LID and no number at all', { remoteJid: lid, remoteJidAlt: lid }, by_lid),
    named('a LID beside our own number', { remoteJid: lid, remoteJidAlt: '5531988880000@s.whatsapp.net' }, by_lid),
    {
      title: 'a list of messages',
      body: bodyOf('messages.upsert', [upsert({}).data, null]),
      expected: [...heard({}), ...dropped('no_content')],
    },
    { title: 'the event in capitals', body: { ...upsert({}), event: 'MESSAGES_UPSERT' }, expected: heard({}) },
    {
      title: 'a chat with no person: a device of WhatsApp itself',
      body: upsert({}, { remoteJid: '0:1@s.whatsapp.net' }),
      expected: dropped('system_account'),
    },
    ...Object.entries(chats).map(([reason, remoteJid]) => ({
      title: `a chat with no person: ${reason}`,
      body: upsert({}, { remoteJid }),
      expected: dropped(reason),
    })),
  ];
}
