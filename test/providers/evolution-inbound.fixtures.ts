import type { InboundCase, InboundFixtures } from '../support/provider-fixtures.ts';
import {
  at,
  by_lid,
  by_phone,
  dropped,
  type Expected,
  heard,
  type Json,
  jid,
  lid,
  received_at,
  type Writer,
  writer,
} from './evolution-inbound.bodies.ts';
import { contentCases, personCases } from './evolution-inbound-messages.fixtures.ts';

const told = {
  kind: 'status' as const,
  provider_message_id: '3EB0C1D2E3F4A5B6C7D8',
  correlator: null,
  at: received_at,
};
const lock = ['463', 'Your account has been restricted'];

function statusCase({ bodyOf }: Writer, status: unknown, fact: string, more: Json = {}): InboundCase {
  const data = {
    messageId: 'cm300000',
    keyId: '3EB0C1D2E3F4A5B6C7D8',
    remoteJid: jid,
    fromMe: true,
    status,
    instanceId: 'b0',
  };
  const expected = { ...told, fact, identities: by_phone, error: fact === 'failed' ? {} : null };
  return { title: `${status}`, body: bodyOf('messages.update', { ...data, ...more }), expected: [expected] };
}

function statusCases(write: Writer): InboundCase[] {
  const ignored = (title: string, more: Json, reason: string): InboundCase => {
    return { ...statusCase(write, 'READ', 'read', more), title, expected: dropped(reason) };
  };
  const locked_key = { fromMe: true, id: '3EB0C1D2E3F4A5B6C7D8' };
  const locked = {
    kind: 'status' as const,
    fact: 'failed',
    error: { code: 'channel_restricted_for_new_chats', provider: { code: '463' } },
  };
  const news = { kind: 'channel' as const, news: { status: 'restricted' } };
  return [
    statusCase(write, 'PLAYED', 'read'),
    statusCase(write, 3, 'delivered'),
    {
      ...statusCase(write, 'READ', 'read', { remoteJid: lid }),
      expected: [{ ...told, fact: 'read', identities: by_lid }],
    },
    { ...statusCase(write, 0, 'failed', { messageStubParameters: lock }), title: '463', expected: [locked, news] },
    {
      title: '463 in an upsert of ours',
      body: write.upsert({ status: 'ERROR', messageStubParameters: lock }, locked_key),
      expected: [locked, news],
    },
    ignored('that we read theirs', { fromMe: false }, 'own_reading'),
    ignored('a status in a group', { remoteJid: '120363000000000001@g.us' }, 'group'),
    ignored('what 2.3.6 calls deleted', { status: 'DELETED' }, 'status_deleted'),
    ignored('a word from the future', { status: 'ADMIRED' }, 'unknown_status'),
  ];
}

function changeCases({ bodyOf }: Writer): InboundCase[] {
  const key = { remoteJid: jid, fromMe: true, id: '3A00000000000000' };
  const original_id = '3A00000000000000';
  const edited = {
    key,
    type: 'MESSAGE_EDIT',
    editedMessage: { conversation: 'digo, 8' },
    timestampMs: '1790000000000',
  };
  return [
    {
      title: 'an edit',
      body: bodyOf('messages.edited', edited),
      expected: [{ kind: 'edit', original_id, at, text: 'digo, 8' }],
    },
    {
      title: 'a revoke among edits',
      body: bodyOf('messages.edited', { key, type: 'REVOKE' }),
      expected: [{ kind: 'revoke', original_id, at: received_at, text: null }],
    },
    {
      title: 'a signal among edits',
      body: bodyOf('messages.edited', { key, type: 'EPHEMERAL_SETTING' }),
      expected: dropped('protocol'),
    },
    ...[{ ...key, fromMe: false, status: 'DELETED' }, { key: { ...key, fromMe: false } }].map((data) => ({
      title: 'a message taken back',
      body: bodyOf('messages.delete', data),
      expected: [{ kind: 'revoke' as const, original_id, at: received_at, text: null }],
    })),
    {
      title: 'our own taken back',
      body: bodyOf('messages.delete', { ...key, status: 'DELETED' }),
      expected: dropped('own_change'),
    },
  ];
}

function channelCases({ bodyOf }: Writer): InboundCase[] {
  const news = (event: string, data: unknown, status: string, detail: string | null): InboundCase => {
    const expected: Expected = [{ kind: 'channel', at: received_at, news: { status, detail } }];
    return { title: `${event} ${JSON.stringify(data)}`, body: bodyOf(event, data), expected };
  };
  const idle = [
    'qrcode.updated',
    'contacts.upsert',
    'chats.update',
    'presence.update',
    'groups.upsert',
    'call',
    'labels.edit',
    'new.token',
  ];
  return [
    news(
      'connection.update',
      { instance: 'loja 1', state: 'open', statusReason: 200, wuid: '5531988880000@s.whatsapp.net' },
      'connected',
      null,
    ),
    news('connection.update', { instance: 'loja 1', state: 'connecting', statusReason: 200 }, 'connecting', null),
    news('connection.update', { instance: 'loja 1', state: 'close', statusReason: 401 }, 'disconnected', 'close (401)'),
    news('connection.update', { instance: 'loja 1', state: 'close', statusReason: 428 }, 'connecting', 'close (428)'),
    news(
      'connection.update',
      { instance: 'loja 1', state: 'refused', statusReason: 500 },
      'disconnected',
      'refused (500)',
    ),
    news(
      'status.instance',
      { instance: 'loja 1', status: 'closed', disconnectionReasonCode: 403 },
      'disconnected',
      'closed (403)',
    ),
    news('logout.instance', null, 'disconnected', 'logged out'),
    news('instance.delete', { instance: 'loja 1' }, 'disconnected', 'the instance was deleted'),
    {
      title: 'an instance just made',
      body: bodyOf('status.instance', { status: 'created' }),
      expected: dropped('unknown_state'),
    },
    {
      title: 'history',
      body: bodyOf('messages.set', { messages: [] }, { isLatest: true, progress: 9 }),
      expected: dropped('history'),
    },
    ...idle.map((event) => ({
      title: event,
      body: bodyOf(event, { id: '1' }),
      expected: dropped(event.replace('.', '_')),
    })),
    { title: 'an event from the future', body: bodyOf('hologram.upsert', {}), expected: dropped('unknown_event') },
  ];
}

export function evolutionInbound(apikey: string, instance: string): InboundFixtures {
  const write = writer(apikey, instance);
  const { upsert } = write;
  const to = { identities: by_phone, profile_name: null };
  const echo = {
    kind: 'echo' as const,
    provider_message_id: '3A00000000000001',
    correlator: null,
    at,
    to,
    type: 'text',
    text: 'Oi',
  };
  const failed = {
    ...told,
    fact: 'failed',
    error: { code: 'provider_refused', provider: { name: 'evolution', code: 'ERROR' } },
  };
  return {
    text: { title: 'a text', body: upsert({}), expected: heard({ type: 'text', text: 'Oi', media: null }) },
    statuses: {
      accepted: statusCase(write, 'PENDING', 'accepted'),
      sent: statusCase(write, 'SERVER_ACK', 'sent'),
      delivered: statusCase(write, 'DELIVERY_ACK', 'delivered'),
      read: statusCase(write, 'READ', 'read'),
      failed: { ...statusCase(write, 'ERROR', 'failed'), expected: [failed] },
    },
    echo: { title: 'typed on the phone', body: upsert({ pushName: 'Loja' }, { fromMe: true }), expected: [echo] },
    group: {
      title: 'a message in a group',
      body: upsert({}, { remoteJid: '120363000000000001@g.us', participant: jid }),
      expected: dropped('group'),
    },
    other_number: {
      title: 'another instance',
      body: { ...upsert({}), instance: 'loja 2' },
      expected: dropped('other_number'),
    },
    others: [
      { title: 'sent by us', body: { ...upsert({}, { fromMe: true }), event: 'send.message' }, expected: [echo] },
      ...contentCases(write),
      ...personCases(write),
      ...statusCases(write),
      ...changeCases(write),
      ...channelCases(write),
    ],
    rubbish: [
      { event: 'messages.upsert', instance },
      { event: 'messages.upsert', instance, data: [] },
      { event: 'messages.update', instance, data: { status: 'constructor', fromMe: true, keyId: '1' } },
      { event: 'messages.edited', instance, data: 'x' },
      { event: '__proto__', instance, data: {} },
      { instance, data: {} },
    ],
  };
}
