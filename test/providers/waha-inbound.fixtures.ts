import { at, dropped } from '../support/gateway-cases.ts';
import type { InboundCase, InboundFixtures } from '../support/provider-fixtures.ts';
import { by_lid, by_phone, type Json, lid, phone, told_at, type Writer, writer } from './waha-inbound.bodies.ts';

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
  provider_message_id: '3EB0C1D2E3F4A5B6C7D8E9',
  correlator: null,
  at: told_at,
};

function contents({ said }: Writer): InboundCase[] {
  const media = { url: 'http://waha.example/api/files/1.jpeg', mimetype: 'image/jpeg', filename: null, error: null };
  const one = (title: string, payload: Json, expected: Json): InboundCase => {
    return { title, body: said(payload), expected: heard(expected) };
  };
  return [
    one(
      'an image',
      { hasMedia: true, media, body: 'veja' },
      { type: 'image', text: 'veja', media: { mime_type: 'image/jpeg' } },
    ),
    one(
      'a voice',
      { hasMedia: true, media: { mimetype: 'audio/ogg; codecs=opus' }, body: '' },
      { type: 'audio', text: null },
    ),
    one('a sticker', { hasMedia: true, media: { mimetype: 'image/webp' }, body: null }, { type: 'sticker' }),
    one(
      'a file',
      { hasMedia: true, media: { mimetype: 'application/pdf', filename: 'a.pdf' } },
      { type: 'document', media: { filename: 'a.pdf' } },
    ),
    one(
      'media not downloaded',
      { hasMedia: true, media: null, body: '' },
      { type: 'document', text: null, media: null },
    ),
    one(
      'a place',
      { location: { latitude: -19.9, longitude: -43.9, title: 'Loja' } },
      { type: 'location', media: { latitude: -19.9, name: 'Loja' } },
    ),
    one('a card', { vCards: ['BEGIN:VCARD'], body: '' }, { type: 'contacts', media: { vcards: ['BEGIN:VCARD'] } }),
    one(
      'a button, told by WEBJS',
      { _data: { type: 'buttons_response', notifyName: 'José' }, body: 'Sim' },
      { type: 'button_reply', text: 'Sim' },
    ),
    one(
      'a poll joins and opens nothing',
      { _data: { type: 'poll_creation', notifyName: 'José' } },
      { type: 'unsupported', opens: false },
    ),
    one('a reply', { replyTo: { id: `true_${phone}_3EB0AAAA`, body: 'Olá' } }, { reply_to: '3EB0AAAA' }),
    dropped('a notice of WEBJS', said({ _data: { type: 'e2e_notification' } }), 'unknown_type'),
    dropped('nothing', said({ body: '' }), 'no_content'),
  ];
}

function people({ said }: Writer): InboundCase[] {
  const lid_id = `false_${lid}_3A00000000000001`;
  const one = (title: string, payload: Json, identities: unknown): InboundCase => {
    return { title, body: said(payload), expected: heard({ from: { identities, profile_name: 'José' } }) };
  };
  return [
    one('a LID alone', { id: lid_id, from: lid, _data: { notifyName: 'José' } }, by_lid),
    one(
      'a LID with the number of GOWS',
      { id: lid_id, from: lid, _data: { Info: { PushName: 'José', SenderAlt: '553188880001:3@s.whatsapp.net' } } },
      [...by_phone, ...by_lid],
    ),
    one(
      'a LID with the number of NOWEB',
      {
        id: lid_id,
        from: lid,
        _data: { pushName: 'José', key: { remoteJid: lid, remoteJidAlt: '553188880001@s.whatsapp.net' } },
      },
      [...by_phone, ...by_lid],
    ),
    dropped('a story', said({ id: 'false_status@broadcast_3A1_553188880001@c.us', from: 'status@broadcast' }), 'story'),
    dropped('a channel', said({ id: 'false_12036300@newsletter_3A1', from: '12036300@newsletter' }), 'newsletter'),
    dropped('a list', said({ id: 'false_1790@broadcast_3A1', from: '1790@broadcast' }), 'broadcast'),
    dropped('WhatsApp itself', said({ id: 'false_0@c.us_3A1', from: '0@c.us' }), 'system_account'),
  ];
}

function changes({ event, ack }: Writer): InboundCase[] {
  const common = { from: phone, fromMe: false, to: '5531988880000@c.us', timestamp: 1_790_000_000 };
  const id = `false_${phone}_3A00000000000002`;
  const reaction = { text: '🙏', messageId: `true_${phone}_3EB0C1D2` };
  const expected = { kind: 'message' as const, type: 'reaction', text: '🙏', reply_to: '3EB0C1D2', opens: false };
  return [
    { title: 'a reaction', body: event('message.reaction', { ...common, id, reaction }), expected: [expected] },
    {
      title: 'a reaction taken back',
      body: event('message.reaction', { ...common, id, reaction: { ...reaction, text: '' } }),
      expected: [{ ...expected, text: null }],
    },
    dropped('our reaction', event('message.reaction', { ...common, id, fromMe: true, reaction }), 'own_reaction'),
    {
      title: 'an edit',
      body: event('message.edited', { ...common, id, editedMessageId: '3A00000000000001', body: 'Oi!' }),
      expected: [{ kind: 'edit', original_id: '3A00000000000001', at, text: 'Oi!' }],
    },
    {
      title: 'a revoke',
      body: event('message.revoked', { after: { ...common, id }, revokedMessageId: '3A00000000000001', before: null }),
      expected: [{ kind: 'revoke', original_id: '3A00000000000001', at, text: null }],
    },
    dropped(
      'our revoke',
      event('message.revoked', { after: { ...common, id, fromMe: true }, revokedMessageId: '3EB0C1D2', before: null }),
      'own_change',
    ),
    dropped('what we have read', ack({ id: `false_${phone}_3A1111`, fromMe: false, ack: 3 }), 'own_reading'),
    dropped('an ack nobody knows', ack({ ack: 9 }), 'unknown_status'),
    dropped('a receipt in a group', ack({ id: 'true_12036300@g.us_3EB0_9@lid', to: '12036300@g.us' }), 'group'),
    {
      title: 'a receipt under the LID',
      body: ack({ id: `true_${lid}_3EB0C1D2E3F4A5B6C7D8E9`, to: lid }),
      expected: [{ ...reported, fact: 'delivered', identities: by_lid }],
    },
  ];
}

function others({ event, said }: Writer): InboundCase[] {
  const news = (status: string, data?: unknown) => event('session.status', { name: 'x', status, statuses: [], data });
  const channel = (title: string, body: Json, status: string): InboundCase => {
    return { title, body, expected: [{ kind: 'channel', at: told_at, news: { status } }] };
  };
  return [
    channel('working', news('WORKING', null), 'connected'),
    channel('starting', news('STARTING'), 'connecting'),
    channel('logged out', news('SCAN_QR_CODE'), 'disconnected'),
    channel('failed', news('FAILED'), 'disconnected'),
    channel(
      'locked',
      news('WORKING', { reachoutTimelock: { isActive: true, timeEnforcementEnds: 1_790_100_000 } }),
      'restricted',
    ),
    channel(
      'capped',
      news('WORKING', { messageCapping: { cappingStatus: 'CAPPED', cycleEnd: 1_790_100_000 } }),
      'restricted',
    ),
    dropped('not decrypted yet', event('message.waiting', { id: `false_${phone}_3A1111`, from: phone }), 'waiting'),
    dropped('a call', event('call.received', { id: 'C1', from: phone }), 'call'),
    dropped('a vote', event('poll.vote', { vote: {}, poll: {} }), 'poll_vote'),
    dropped('presence', event('presence.update', { id: phone }), 'presence_update'),
    dropped('an event from the future', event('tea.served', { id: phone }), 'unknown_event'),
    {
      title: 'our own, sent through the gateway, the contact a LID',
      body: said({ id: `true_${lid}_3EB0C1D2`, from: '5531988880000@c.us', to: lid, fromMe: true, source: 'api' }),
      expected: [{ kind: 'echo', provider_message_id: '3EB0C1D2', to: { identities: by_lid } }],
    },
  ];
}

export function wahaInbound(session: string): InboundFixtures {
  const write = writer(session);
  const { said, ack } = write;
  const status = (fact: string, number: number, error: unknown = null): InboundCase => {
    return { title: fact, body: ack({ ack: number }), expected: [{ ...reported, fact, error, identities: by_phone }] };
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
      body: said({ id: `true_${phone}_3A00000000000009`, from: '5531988880000@c.us', to: phone, fromMe: true }),
      expected: [
        {
          kind: 'echo',
          provider_message_id: '3A00000000000009',
          correlator: null,
          at,
          to: { identities: by_phone, profile_name: null },
          type: 'text',
          text: 'Oi',
        },
      ],
    },
    group: dropped(
      'a group',
      said({ id: `false_120363000000000001@g.us_3A01_${phone}`, from: '120363000000000001@g.us', participant: phone }),
      'group',
    ),
    other_number: dropped('another session', { ...said(), session: 'loja-2' }, 'other_number'),
    others: [...contents(write), ...people(write), ...changes(write), ...others(write)],
    rubbish: [
      { session },
      { session, event: 'message' },
      { session, event: 'message', payload: [] },
      { event: 'message.any', payload: {} },
    ],
    // The vendor's own test vector.
    signed: {
      raw: Buffer.from('{"event":"message","session":"default","engine":"WEBJS"}'),
      headers: {
        'x-webhook-hmac':
          '208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89',
        'x-webhook-hmac-algorithm': 'sha512',
      },
    },
  };
}
