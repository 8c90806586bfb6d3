import type { Address, OutboundMessage } from '../../src/providers/provider.ts';
import type { ProviderFixtures } from '../support/provider-fixtures.ts';
import { answer, answerJson, type Reaction } from '../support/scripted-server.ts';
import { evolutionInbound } from './evolution-inbound.fixtures.ts';

const api_key = 'fake-api-key-B6D711FC';
const text = 'Olá Ana, podemos falar agora sobre o seu pedido?';
const message: OutboundMessage = {
  to: { kind: 'phone', value: '+5531988880001' },
  content: { type: 'text', text },
  correlator: 'msg_01J9.1.abcdef',
};
const to = (kind: Address['kind'], value: string): OutboundMessage => ({ ...message, to: { kind, value } });
const accepted = {
  key: { remoteJid: '553188880001:12@s.whatsapp.net', fromMe: true, id: '3EB0C1D2E3F4A5B6C7D8' },
  status: 'PENDING',
  message: { conversation: text },
};
const body_to = (number: string) => ({ number, text, delay: 0, linkPreview: false });

function fault(status: number, message: unknown): Reaction {
  return answerJson(status, { status, error: 'Scripted', response: { message } });
}

function refusal(title: string, reaction: Reaction, code: string, channel?: string) {
  const expected = { kind: 'refused', error: { code }, ...(channel ? { channel: { status: channel } } : {}) };
  return { title, answers: [reaction], expected };
}

function doubt(title: string, reaction: Reaction, channel?: string) {
  const expected = {
    kind: 'ambiguous',
    error: { code: 'provider_answer_lost' },
    channel: channel ? { status: channel } : undefined,
  };
  return { title, answers: [reaction], expected };
}

const absent_number = [{ jid: '5531988880001@s.whatsapp.net', exists: false, number: '5531988880001' }];
const state = (name: unknown) => answerJson(200, { instance: { instanceName: 'loja 1', state: name } });

export const evolution_fixtures: ProviderFixtures = {
  credentials: { api_key, instance: 'loja 1' },
  message,
  accepted_body: JSON.stringify(accepted),
  requests: [
    {
      title: 'a text to a phone, digits only',
      message,
      expected: {
        method: 'POST',
        path: '/message/sendText/loja%201',
        headers: { apikey: api_key, 'content-type': 'application/json' },
      },
      body: body_to('5531988880001'),
    },
    {
      title: 'a text to the JID that a check returned, whole',
      message: to('wa_id', '553188880001@s.whatsapp.net'),
      expected: {},
      body: body_to('553188880001@s.whatsapp.net'),
    },
    {
      title: 'a text to a LID keeps its suffix',
      message: to('lid', '138400000000001@lid'),
      expected: {},
      body: body_to('138400000000001@lid'),
    },
    {
      title: 'a bare LID gets its suffix',
      message: to('lid', '138400000000001'),
      expected: {},
      body: body_to('138400000000001@lid'),
    },
  ],
  unsendable: [
    { title: 'a BSUID', message: to('bsuid', 'BR.7H2K9Q41ZXCV'), code: 'recipient_address_invalid' },
    { title: 'a group', message: to('wa_id', '120363000000000001@g.us'), code: 'recipient_address_invalid' },
    {
      title: 'a template',
      message: {
        ...message,
        content: {
          type: 'template',
          name: 'boas_vindas',
          language: 'pt_BR',
          parameter_format: 'positional',
          slots: [],
        },
      },
      code: 'message_invalid',
    },
  ],
  sends: [
    {
      title: 'accepted, with the address really used, device suffix stripped',
      answers: [answerJson(201, accepted)],
      expected: {
        kind: 'accepted',
        provider_message_id: '3EB0C1D2E3F4A5B6C7D8',
        held: false,
        identities: [{ kind: 'wa_id', value: '553188880001@s.whatsapp.net' }],
      },
    },
    {
      title: 'accepted under a LID',
      answers: [answerJson(201, { key: { remoteJid: '138400000000001@lid', id: '3EB0' } })],
      expected: { kind: 'accepted', identities: [{ kind: 'lid', value: '138400000000001@lid' }] },
    },
    refusal('a number without WhatsApp', fault(400, absent_number), 'recipient_not_on_whatsapp'),
    refusal('a body that fails validation', fault(400, [['instance requires property "number"']]), 'message_invalid'),
    refusal(
      'a body that fails validation, flat',
      fault(400, ['instance requires property "number"']),
      'message_invalid',
    ),
    refusal('a bad key', fault(401, 'Unauthorized'), 'channel_credentials_invalid', 'disconnected'),
    refusal(
      'an instance that is not there',
      fault(404, ['The "loja 1" instance does not exist']),
      'channel_not_found_at_provider',
      'disconnected',
    ),
    refusal(
      'a path that is not there',
      fault(404, ['Cannot POST /message/sendText/loja%201']),
      'channel_not_found_at_provider',
    ),
    refusal('463 in a 500', fault(500, 'server returned error 463'), 'channel_restricted_for_new_chats', 'restricted'),
    refusal('463 in a list', fault(400, ['Error: 463']), 'channel_restricted_for_new_chats', 'restricted'),
    refusal(
      '463 at the top',
      answerJson(500, { message: 'nack 463' }),
      'channel_restricted_for_new_chats',
      'restricted',
    ),
    refusal(
      '463 in the stub of a 201',
      answerJson(201, { ...accepted, messageStubParameters: ['463', `Your account has been restricted: ${text}`] }),
      'channel_restricted_for_new_chats',
      'restricted',
    ),
    {
      title: '463 in the stub of a 201, as a number and nothing beside it',
      answers: [answerJson(201, { ...accepted, messageStubParameters: [463] })],
      expected: {
        kind: 'refused',
        error: { code: 'channel_restricted_for_new_chats', provider: { code: '463', message: null } },
        channel: { status: 'restricted', detail: '463' },
      },
    },
    refusal('a ban in the dark', fault(400, ['Error: shadow_ban']), 'channel_restricted_for_new_chats', 'restricted'),
    {
      title: 'too many requests',
      answers: [answer(429, 'slow down', { 'retry-after': '7' })],
      expected: { kind: 'unavailable', error: { code: 'provider_rate_limited' }, retry_after_ms: 7_000 },
    },
    {
      title: 'too many requests until a date, of which an hour counts',
      answers: [answer(429, '', { 'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT' })],
      expected: { kind: 'unavailable', retry_after_ms: 3_600_000 },
    },
    {
      title: 'too many requests, without a delay',
      answers: [answer(429, text)],
      expected: { kind: 'unavailable', retry_after_ms: null },
    },
    doubt('Baileys threw', fault(400, [`Error: Timed Out sending ${text} to 5531988880001`])),
    doubt('the socket was closed', fault(400, ['Error: Connection Closed']), 'disconnected'),
    doubt('an internal error', fault(500, 'Internal Server Error')),
    doubt('a stack whose line number is 463', fault(500, `TypeError: x at sendMessage (main.js:463:12) ${api_key}`)),
    doubt('a 403 page of a proxy', answer(403, '<html>Forbidden')),
    {
      title: 'a 2xx without a key',
      answers: [answerJson(201, { status: 'PENDING' })],
      expected: { kind: 'ambiguous' },
    },
  ],
  channel_checks: [
    { title: 'open', answers: [state('open')], expected: { status: 'connected', detail: null } },
    { title: 'connecting', answers: [state('connecting')], expected: { status: 'connecting' } },
    { title: 'close', answers: [state('close')], expected: { status: 'disconnected' } },
    { title: 'no state, as after a boot', answers: [state(undefined)], expected: { status: 'disconnected' } },
    { title: 'a bad key', answers: [fault(401, 'Unauthorized')], expected: { status: 'disconnected' } },
    {
      title: 'an instance that is not there',
      answers: [fault(404, ['The "loja 1" instance does not exist'])],
      expected: { status: 'disconnected' },
    },
    { title: 'an answer of something else', answers: [answerJson(200, { ok: true })], expected: { status: 'unknown' } },
  ],
  number_checks: [
    {
      title: 'a number that exists under another ninth digit, with its LID',
      answers: [
        answerJson(200, [
          { jid: '553188880001:3@s.whatsapp.net', exists: true, number: '5531988880001', lid: '138400000000001@lid' },
        ]),
      ],
      expected: {
        kind: 'exists',
        address: { kind: 'wa_id', value: '553188880001@s.whatsapp.net' },
        identities: [
          { kind: 'wa_id', value: '553188880001@s.whatsapp.net' },
          { kind: 'lid', value: '138400000000001@lid' },
        ],
      },
    },
    {
      title: 'a number that exists as a LID, `lid` being the word',
      answers: [answerJson(201, [{ jid: '138400000000001@lid', exists: true, lid: 'lid' }])],
      expected: {
        kind: 'exists',
        address: { kind: 'lid', value: '138400000000001@lid' },
        identities: [{ kind: 'lid', value: '138400000000001@lid' }],
      },
    },
    {
      title: 'a number without WhatsApp',
      answers: [answerJson(200, absent_number)],
      expected: { kind: 'absent', error: { code: 'recipient_not_on_whatsapp' } },
    },
    {
      title: 'a number without WhatsApp, as an error',
      answers: [fault(400, absent_number)],
      expected: { kind: 'absent' },
    },
    { title: 'an empty list', answers: [answerJson(200, [])], expected: { kind: 'unavailable' } },
    {
      title: 'exists without an address',
      answers: [answerJson(200, [{ exists: true }])],
      expected: { kind: 'unavailable' },
    },
    {
      title: 'a closed socket',
      answers: [fault(500, ['Error: Connection Closed'])],
      expected: { kind: 'unavailable', error: { code: 'provider_unavailable' }, channel: { status: 'disconnected' } },
    },
    {
      title: 'a bad key',
      answers: [fault(401, 'Unauthorized')],
      expected: {
        kind: 'unavailable',
        error: { code: 'channel_credentials_invalid' },
        channel: { status: 'disconnected' },
      },
    },
    {
      title: 'too many requests',
      answers: [answer(429, '', { 'retry-after': '2' })],
      expected: { kind: 'unavailable', retry_after_ms: 2_000 },
    },
  ],
  template_listings: [],
  inbound: evolutionInbound(api_key, 'loja 1'),
};
