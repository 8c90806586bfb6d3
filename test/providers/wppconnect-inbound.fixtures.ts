import { at, dropped, received_at } from '../support/gateway-cases.ts';
import type { InboundCase, InboundFixtures } from '../support/provider-fixtures.ts';
import { by_lid, by_phone, type Json, key, lid, own, phone, type Writer, writer } from './wppconnect-inbound.bodies.ts';

const heard = (expected: Json): InboundCase['expected'] => [
  {
    kind: 'message',
    provider_message_id: '3A00000000000001',
    at,
    from: { identities: by_phone, profile_name: 'José' },
    reply_to: null,
    opens: true,
    ...expected,
  },
];
const reported = {
  kind: 'status' as const,
  provider_message_id: '3EB0C1D2E3F4A5B6C7D8',
  correlator: null,
  at: received_at,
};

function contents({ said }: Writer): InboundCase[] {
  const one = (title: string, more: Json, expected: Json): InboundCase => {
    return { title, body: said(more), expected: heard(expected) };
  };
  const bytes = 'iVBORw0KGgoAAAANSUhEUg==';
  return [
    one(
      'an image, its bytes left out',
      { type: 'image', body: bytes, caption: 'veja', mimetype: 'image/jpeg', size: 9 },
      { type: 'image', text: 'veja', media: { mime_type: 'image/jpeg', size: 9 } },
    ),
    one('a voice', { type: 'ptt', body: bytes, mimetype: 'audio/ogg' }, { type: 'audio', text: null }),
    one(
      'a file',
      { type: 'document', body: bytes, filename: 'a.pdf' },
      { type: 'document', media: { filename: 'a.pdf' } },
    ),
    one(
      'a place',
      { type: 'location', body: bytes, lat: -19.9, lng: -43.9 },
      { type: 'location', media: { latitude: -19.9 } },
    ),
    one('a card', { type: 'vcard', body: 'BEGIN:VCARD' }, { type: 'contacts', media: { vcards: ['BEGIN:VCARD'] } }),
    one(
      'a button',
      { type: 'buttons_response', body: 'Sim', selectedButtonId: '1' },
      { type: 'button_reply', text: 'Sim' },
    ),
    one('an order', { type: 'order', body: bytes, message: 'Quero', orderId: '9' }, { type: 'order', text: 'Quero' }),
    one(
      'a poll joins and opens nothing',
      { type: 'poll_creation', pollName: 'Qual?' },
      { type: 'unsupported', opens: false },
    ),
    one('an answer', { quotedStanzaID: '3EB0C1' }, { reply_to: '3EB0C1' }),
    dropped('a notice', said({ type: 'e2e_notification' }), 'unknown_type'),
    dropped('not decrypted yet', said({ type: 'ciphertext' }), 'waiting'),
    dropped('an empty text', said({ body: '' }), 'no_content'),
  ];
}

function people({ said }: Writer): InboundCase[] {
  const one = (title: string, more: Json, identities: unknown): InboundCase => {
    return { title, body: said(more), expected: heard({ from: { identities } }) };
  };
  const hidden = { id: `false_${lid}_3A00000000000001`, from: lid, chatId: { _serialized: lid } };
  return [
    one('a LID alone', { ...hidden, sender: { id: lid } }, by_lid),
    one('a LID with its number', { ...hidden, sender: { id: lid, phoneNumber: { _serialized: phone } } }, [
      ...by_phone,
      ...by_lid,
    ]),
    one('every id an object', { id: key(false, phone, '3A00000000000001'), from: { _serialized: phone } }, by_phone),
    dropped('a story', said({ id: 'false_status@broadcast_3A01', from: 'status@broadcast' }), 'story'),
    dropped('a channel', said({ id: 'false_12036300@newsletter_3A01', from: '12036300@newsletter' }), 'newsletter'),
    dropped('a list', said({ id: 'false_1790@broadcast_3A01', from: '1790@broadcast' }), 'broadcast'),
    dropped('WhatsApp itself', said({ id: 'false_0@c.us_3A01', from: '0@c.us' }), 'system_account'),
    dropped('only called a group', said({ isGroupMsg: true }), 'group'),
  ];
}

function changes({ event, ack }: Writer): InboundCase[] {
  const reaction = (from_me: boolean): Json =>
    event('onreactionmessage', {
      id: key(from_me, phone, '3A00000000000002'),
      msgId: key(true, phone, '3EB0C1D2'),
      reactionText: '👍',
      timestamp: 1_790_000_000_000,
    });
  return [
    {
      title: 'a reaction',
      body: reaction(false),
      expected: [
        {
          kind: 'message',
          type: 'reaction',
          text: '👍',
          at,
          reply_to: '3EB0C1D2',
          opens: false,
          from: { identities: by_phone },
        },
      ],
    },
    dropped('our reaction', reaction(true), 'own_reaction'),
    {
      title: 'a revoke',
      body: event('onrevokedmessage', {
        from: phone,
        to: own,
        id: key(false, phone, '3A02'),
        refId: key(false, phone, '3A01'),
      }),
      expected: [{ kind: 'revoke', original_id: '3A01', at: received_at, text: null }],
    },
    dropped(
      'our revoke',
      event('onrevokedmessage', { from: own, to: phone, refId: key(true, phone, '3EB0C1') }),
      'own_change',
    ),
    { title: 'played', body: ack(4), expected: [{ ...reported, fact: 'read' }] },
    {
      title: 'failed in another way',
      body: ack(-7),
      expected: [{ ...reported, fact: 'failed', error: { provider: { code: '-7' } } }],
    },
    {
      title: 'under the LID',
      body: ack(2, { id: key(true, lid, '3EB0C1D2E3F4A5B6C7D8'), to: lid }),
      expected: [{ ...reported, fact: 'delivered', identities: by_lid }],
    },
    dropped('between our own devices', ack(5), 'own_device'),
    dropped('what we have read', ack(3, { id: key(false, phone, '3A01') }), 'own_reading'),
    dropped('read in a group', ack(3, { id: key(true, '12036300@g.us', '3EB0C1'), to: '12036300@g.us' }), 'group'),
    dropped('an ack from the future', ack(9), 'unknown_status'),
  ];
}

function others({ event, said }: Writer): InboundCase[] {
  const channel = (word: string, status: string): InboundCase => ({
    title: `status-find ${word}`,
    body: event('status-find', { status: word }),
    expected: [{ kind: 'channel', at: received_at, news: { status } }],
  });
  const replayed = (t: number) => ({ ...said({ t }), event: 'unreadmessages' });
  const an_hour_ago = received_at.getTime() / 1_000 - 3_600;
  return [
    ...['inChat', 'isLogged', 'qrReadSuccess'].map((word) => channel(word, 'connected')),
    ...['notLogged', 'autocloseCalled', 'browserClose', 'disconnectedMobile', 'phoneNotConnected', 'serverClose'].map(
      (word) => channel(word, 'disconnected'),
    ),
    dropped('a state from the future', event('status-find', { status: 'dreaming' }), 'unknown_status'),
    {
      title: 'unread since an hour, replayed at a start',
      body: replayed(an_hour_ago),
      expected: heard({ at: new Date(an_hour_ago * 1_000) }),
    },
    dropped('unread since long, replayed at a start', replayed(an_hour_ago - 24 * 3_600), 'history'),
    dropped('a code to be read', event('qrcode', { qrcode: 'iVBORw0KGgo=', urlcode: '2@x' }), 'pairing'),
    dropped('a call', event('incomingcall', { id: 'C1', peerJid: phone }), 'call'),
    dropped('a vote', event('onpollresponse', { msgId: {} }), 'poll_vote'),
    dropped('presence', event('onpresencechanged', { id: phone }), 'presence'),
    dropped('an event from the future', event('ontea', {}), 'unknown_event'),
  ];
}

export function wppconnectInbound(session: string): InboundFixtures {
  const write = writer(session);
  const { said, ack } = write;
  const status = (fact: string, number: number, error: unknown = null): InboundCase => {
    return { title: fact, body: ack(number), expected: [{ ...reported, fact, error, identities: by_phone }] };
  };
  return {
    text: { title: 'a text', body: said(), expected: heard({ type: 'text', text: 'Oi', media: null }) },
    statuses: {
      accepted: status('accepted', 0),
      sent: status('sent', 1),
      delivered: status('delivered', 2),
      read: status('read', 3),
      failed: status('failed', -1, { code: 'provider_refused' }),
    },
    echo: {
      title: 'typed on the phone',
      body: {
        ...said({ id: `true_${phone}_3A00000000000009_out`, from: own, to: phone, fromMe: true, sender: { id: own } }),
        event: 'onselfmessage',
      },
      expected: [
        {
          kind: 'echo',
          provider_message_id: '3A00000000000009',
          at,
          to: { identities: by_phone, profile_name: null },
          type: 'text',
          text: 'Oi',
        },
      ],
    },
    group: dropped(
      'a group',
      said({
        id: `false_120363000000000001@g.us_3A01_${phone}`,
        from: '120363000000000001@g.us',
        chatId: '120363000000000001@g.us',
        isGroupMsg: true,
      }),
      'group',
    ),
    other_number: dropped('another session', { ...said(), session: 'loja-2' }, 'other_number'),
    others: [...contents(write), ...people(write), ...changes(write), ...others(write)],
    rubbish: [
      { session },
      { session, event: 'onmessage' },
      { session, event: 'onack' },
      { session, event: 'onreactionmessage', id: 7 },
    ],
  };
}
