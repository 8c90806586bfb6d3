import { dropped } from '../support/gateway-cases.ts';
import type { InboundCase, InboundFixtures } from '../support/provider-fixtures.ts';
import { at, by_both, by_phone, type Json, lid, type Writer, writer } from './zapi-inbound.bodies.ts';

const said_text = { text: { message: 'Oi' } };
const heard = (expected: Json): InboundCase['expected'] => [
  {
    kind: 'message',
    provider_message_id: '3A00000000000001',
    at,
    from: { identities: by_both, profile_name: 'José' },
    reply_to: null,
    opens: true,
    ...expected,
  },
];

function contents({ received }: Writer): InboundCase[] {
  const one = (title: string, content: Json, expected: Json): InboundCase => {
    return { title, body: received(content), expected: heard(expected) };
  };
  const url = 'https://files.example/1';
  const buttons = { buttonId: '1', message: 'Ótimo' };
  return [
    one(
      'an image',
      { image: { imageUrl: url, caption: 'veja', mimeType: 'image/jpeg', thumbnailUrl: url } },
      { type: 'image', text: 'veja', media: { imageUrl: url, mimeType: 'image/jpeg', thumbnailUrl: undefined } },
    ),
    one('a voice', { audio: { audioUrl: url, mimeType: 'audio/ogg', ptt: true } }, { type: 'audio', text: null }),
    one('a video', { video: { videoUrl: url, caption: '' } }, { type: 'video', text: null }),
    one(
      'a file',
      { document: { documentUrl: url, fileName: 'a.pdf' } },
      { type: 'document', media: { fileName: 'a.pdf' } },
    ),
    one('a sticker', { sticker: { stickerUrl: url } }, { type: 'sticker' }),
    one(
      'a place',
      { location: { latitude: -19.9, longitude: -43.9 } },
      { type: 'location', media: { latitude: -19.9 } },
    ),
    one('a card', { contact: { displayName: 'Bia', phones: ['5531988880002'] } }, { type: 'contacts' }),
    one('cards', { contacts: [{ displayName: 'Bia' }] }, { type: 'contacts', media: { contacts: [{}] } }),
    one('a button', { buttonsResponseMessage: buttons }, { type: 'button_reply', text: 'Ótimo', media: { id: '1' } }),
    one(
      'a row',
      { listResponseMessage: { message: 'Asas', title: 'Z-API', selectedRowId: '1' } },
      { type: 'list_reply', text: 'Z-API', media: { id: '1' } },
    ),
    one('from an advertisement', { ...said_text, externalAdReply: { title: 'x' } }, { type: 'text', text: 'Oi' }),
    one('an answer', { ...said_text, referenceMessageId: '3EB0C1' }, { reply_to: '3EB0C1' }),
    one('an answer to a story', { ...said_text, isStatusReply: true }, { text: 'Oi' }),
    one('a poll joins and opens nothing', { poll: { question: 'Qual?' } }, { type: 'unsupported', opens: false }),
    dropped('a payment', received({ requestPayment: { value: 1 } }), 'payment'),
    dropped('a kind from the future', received({ hologram: {} }), 'unknown_type'),
    dropped('an empty text', received({ text: { message: '' } }), 'no_content'),
    dropped('not decrypted yet', received({ waitingMessage: true }), 'waiting'),
    dropped('a missed call', received({ notification: 'CALL_MISSED_VOICE', callId: 'F44E' }), 'call'),
    dropped('a notice', received({ notification: 'PAYMENT_ACTION_REQUEST_DECLINED' }), 'notification'),
  ];
}

function people({ received }: Writer): InboundCase[] {
  const one = (title: string, more: Json, identities: unknown): InboundCase => {
    return { title, body: received({ ...said_text, ...more }), expected: heard({ from: { identities } }) };
  };
  return [
    one('a LID alone, as phone', { phone: lid, chatLid: null }, [{ kind: 'lid', value: lid }]),
    one('the LID of the sender', { chatLid: null, senderLid: lid }, by_both),
    one('a number alone', { chatLid: null }, by_phone),
    dropped('a channel', received({ ...said_text, isNewsletter: true, phone: '12036300@newsletter' }), 'newsletter'),
    dropped('a list', received({ ...said_text, broadcast: true }), 'broadcast'),
    dropped('a story', received({ ...said_text, phone: 'status@broadcast', broadcast: true }), 'story'),
    dropped('an old group', received({ ...said_text, isGroup: undefined, phone: '553188880000-1600000000' }), 'group'),
  ];
}

function changes({ received }: Writer): InboundCase[] {
  const reaction = { value: '❤️', time: 1, reactionBy: '553188880001', referencedMessage: { messageId: '3EB0C1D2' } };
  const mine = { fromMe: true, senderLid: '138400000000099@lid' };
  return [
    {
      title: 'a reaction',
      body: received({ reaction }),
      expected: [{ kind: 'message', type: 'reaction', text: '❤️', reply_to: '3EB0C1D2', opens: false }],
    },
    dropped('our reaction', received({ reaction, fromMe: true }), 'own_reaction'),
    {
      title: 'an edit',
      body: received({ isEdit: true, text: { message: 'Oi!' } }),
      expected: [{ kind: 'edit', original_id: '3A00000000000001', at, text: 'Oi!' }],
    },
    dropped('our edit', received({ isEdit: true, fromMe: true, ...said_text }), 'own_change'),
    {
      title: 'a revoke',
      body: received({ notification: 'REVOKE' }),
      expected: [{ kind: 'revoke', original_id: '3A00000000000001', at, text: null }],
    },
    dropped('our revoke', received({ notification: 'REVOKE', fromMe: true }), 'own_change'),
    {
      title: 'our own, sent through the gateway; the sender is us',
      body: received({ ...said_text, ...mine, fromApi: true }),
      expected: [{ kind: 'echo', to: { identities: by_both, profile_name: null } }],
    },
  ];
}

const reported = { kind: 'status' as const, provider_message_id: '3EB0C1D2E3F4A5B6C7D8', correlator: null, at };

function others({ event, received }: Writer): InboundCase[] {
  const delivery = { phone: '553188880001', zaapId: '3999', messageId: '3EB0C1D2E3F4A5B6C7D8' };
  const status = { phone: '553188880001', isGroup: false, ids: ['3EB0C1D2E3F4A5B6C7D8'] };
  const failed = (title: string, more: Json, code: string): InboundCase => {
    const expected = [{ ...reported, fact: 'failed', error: { code } }];
    return { title, body: event('DeliveryCallback', { ...delivery, ...more }), expected };
  };
  const channel = (title: string, body: Json, status: string): InboundCase => {
    return { title, body, expected: [{ kind: 'channel', news: { status } }] };
  };
  return [
    failed('rejected', { error: 'Whatsapp rejected sending this message' }, 'provider_refused'),
    failed('media', { error: 'Message not send caused by invalid media url' }, 'media_unusable'),
    {
      title: 'the lock on new chats',
      body: event('DeliveryCallback', { ...delivery, error: 'Temporary restriction', errorCode: 'SHADOW_BAN' }),
      expected: [
        { ...reported, fact: 'failed', error: { code: 'channel_restricted_for_new_chats' } },
        { kind: 'channel', news: { status: 'restricted' } },
      ],
    },
    dropped(
      'a doubt of the gateway is none that failed',
      event('DeliveryCallback', { ...delivery, error: 'Timeout on send message' }),
      'delivery_in_doubt',
    ),
    {
      title: 'two messages read at once',
      body: event('MessageStatusCallback', { ...status, status: 'READ', ids: ['3EB0C1D2E3F4A5B6C7D8', '3EB0FFFF'] }),
      expected: [
        { ...reported, fact: 'read' },
        { kind: 'status', provider_message_id: '3EB0FFFF', fact: 'read' },
      ],
    },
    {
      title: 'played',
      body: event('MessageStatusCallback', { ...status, status: 'PLAYED' }),
      expected: [{ ...reported, fact: 'read' }],
    },
    dropped('what we have read', event('MessageStatusCallback', { ...status, status: 'READ_BY_ME' }), 'own_reading'),
    dropped('read in a group', event('MessageStatusCallback', { ...status, isGroup: true, status: 'READ' }), 'group'),
    dropped(
      'a status from the future',
      event('MessageStatusCallback', { ...status, status: 'LIKED' }),
      'unknown_status',
    ),
    channel('connected', event('ConnectedCallback', { connected: true, phone: '553188880000' }), 'connected'),
    channel('disconnected', event('DisconnectedCallback', { error: 'Device has been disconnected' }), 'disconnected'),
    channel(
      'disconnected, as older versions tell it, in seconds',
      { type: 'DisconnectedCallback', momment: 1_790_000_000, disconnected: true },
      'disconnected',
    ),
    dropped('typing', event('PresenceChatCallback', { phone: '553188880001', status: 'COMPOSING' }), 'presence'),
    dropped('an event from the future', event('TeaCallback', {}), 'unknown_event'),
    dropped('a message without an instance', { ...received(said_text), instanceId: undefined }, 'no_number'),
  ];
}

export function zapiInbound(instance_id: string): InboundFixtures {
  const write = writer(instance_id);
  const { event, received } = write;
  const status = (fact: string, word: string): InboundCase => ({
    title: fact,
    body: event('MessageStatusCallback', {
      status: word,
      ids: ['3EB0C1D2E3F4A5B6C7D8'],
      phone: '553188880001',
      isGroup: false,
    }),
    expected: [{ ...reported, fact, error: null, identities: by_phone }],
  });
  const delivery = { phone: '553188880001', zaapId: '3999', messageId: '3EB0C1D2E3F4A5B6C7D8' };
  return {
    text: { title: 'a text', body: received(said_text), expected: heard({ type: 'text', text: 'Oi', media: null }) },
    statuses: {
      sent: {
        title: 'out of the queue',
        body: event('DeliveryCallback', delivery),
        expected: [{ ...reported, fact: 'sent', identities: by_phone }],
      },
      delivered: status('delivered', 'RECEIVED'),
      read: status('read', 'READ'),
      failed: {
        title: 'no WhatsApp there',
        body: event('DeliveryCallback', { ...delivery, error: 'Phone number does not exist' }),
        expected: [{ ...reported, fact: 'failed', error: { code: 'recipient_not_on_whatsapp' } }],
      },
    },
    echo: {
      title: 'typed on the phone',
      body: received({ ...said_text, fromMe: true, messageId: '3A00000000000009' }),
      expected: [
        {
          kind: 'echo',
          provider_message_id: '3A00000000000009',
          at,
          to: { identities: by_both, profile_name: null },
          type: 'text',
          text: 'Oi',
        },
      ],
    },
    group: dropped('a group', received({ ...said_text, isGroup: true, phone: '120363000000000001-group' }), 'group'),
    other_number: dropped('another instance', { ...received(said_text), instanceId: '3C00OTHER' }, 'other_number'),
    others: [...contents(write), ...people(write), ...changes(write), ...others(write)],
    rubbish: [
      { type: 'ReceivedCallback' },
      { type: 'ReceivedCallback', instanceId: instance_id },
      { type: 'MessageStatusCallback', instanceId: instance_id, status: 'READ', ids: 'x' },
      { type: 'DeliveryCallback', instanceId: instance_id },
    ],
  };
}
