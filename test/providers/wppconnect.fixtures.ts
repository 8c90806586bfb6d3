import { doubt, later, message, refusal, state, text, to, unsendable } from '../support/gateway-cases.ts';
import type { ProviderFixtures } from '../support/provider-fixtures.ts';
import { answer, answerJson } from '../support/scripted-server.ts';
import { wppconnectInbound } from './wppconnect-inbound.fixtures.ts';

const session = 'loja-1';
const token = '$2b$10$fakefakefakefakefakefu.FAKE_token-51C0FFEE';
const sent = (id: unknown) => ({ status: 'success', response: [{ id, body: text, fromMe: true }], mapper: 'return' });
const accepted = sent('true_553188880001@c.us_3EB0C1D2E3F4A5B6C7D8_out');
const body_to = (phone: string, isLid = false) => ({
  phone,
  isGroup: false,
  isNewsletter: false,
  isLid,
  message: text,
  options: {},
});
const no_such_number = answerJson(400, {
  response: null,
  status: 'Connected',
  message: 'O número 5531988880001 não existe.',
});
const not_active = answerJson(404, {
  response: null,
  status: 'Disconnected',
  message: 'A sessão do WhatsApp não está ativa.',
});
const bad_token = answerJson(401, { error: 'Check that the Session and Token are correct' });
const failed = (error: unknown) => answerJson(500, { status: 'Error', message: 'Erro ao enviar a mensagem.', error });
const session_state = (status: unknown) => answerJson(200, { status, qrcode: null, version: '2.10.4' });
const checked = (response: unknown) => answerJson(200, { status: 'success', response });
const wid = { server: 'c.us', user: '553188880001', _serialized: '553188880001@c.us' };

export const wppconnect_fixtures: ProviderFixtures = {
  credentials: { session, token },
  message,
  accepted_body: JSON.stringify(accepted),
  before_send: { path: '/check-connection-session', answer: answerJson(200, { status: true, message: 'Connected' }) },
  requests: [
    {
      title: 'a text to a phone, digits only',
      message,
      expected: {
        method: 'POST',
        path: `/api/${session}/send-message`,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      },
      body: body_to('5531988880001'),
    },
    {
      title: 'a text to the address that a check returned',
      message: to('wa_id', '553188880001@c.us'),
      expected: {},
      body: body_to('553188880001'),
    },
    {
      title: 'a LID, called one',
      message: to('lid', '138400000000001@lid'),
      expected: {},
      body: body_to('138400000000001', true),
    },
  ],
  unsendable: [
    ...unsendable,
    {
      title: 'a number that would be taken for a LID',
      message: to('phone', '+553198888000111'),
      code: 'recipient_address_invalid',
    },
  ],
  sends: [
    {
      title: 'accepted, the id wrapped, with the address really used',
      answers: [answerJson(201, accepted)],
      expected: {
        kind: 'accepted',
        provider_message_id: '3EB0C1D2E3F4A5B6C7D8',
        held: false,
        identities: [{ kind: 'wa_id', value: '553188880001@c.us' }],
      },
    },
    {
      title: 'accepted, the id an object',
      answers: [
        answerJson(
          201,
          sent({ fromMe: true, remote: wid, id: '3EB0C1', _serialized: 'true_553188880001@c.us_3EB0C1_out' }),
        ),
      ],
      expected: { kind: 'accepted', provider_message_id: '3EB0C1' },
    },
    {
      title: 'accepted, the id an object without its long form',
      answers: [answerJson(201, sent({ fromMe: true, id: '3EB0C1' }))],
      expected: { kind: 'accepted', provider_message_id: '3EB0C1', identities: [] },
    },
    refusal('a bad token', bad_token, 'channel_credentials_invalid', 'disconnected'),
    refusal(
      'a path that is not there',
      answer(404, '<pre>Cannot POST /api/loja-1/send-message</pre>'),
      'channel_not_found_at_provider',
    ),
    refusal('463', failed({ message: 'server returned error 463' }), 'channel_restricted_for_new_chats', 'restricted'),
    {
      title: 'too many requests',
      answers: [answer(429, 'slow down', { 'retry-after': '7' })],
      expected: { kind: 'unavailable', error: { code: 'provider_rate_limited' }, retry_after_ms: 7_000 },
    },
    doubt('no such number: the server sends all the same', no_such_number),
    doubt('a session that is not active: the server tries all the same', not_active, 'disconnected'),
    doubt('an error while sending', failed(`no chat for 5531988880001: ${text} ${token}`)),
    doubt('a 403 page of a proxy', answer(403, '<html>Forbidden')),
  ],
  channel_checks: [
    state('connected', session_state('CONNECTED'), 'connected'),
    state('starting', session_state('INITIALIZING'), 'connecting'),
    state('waiting for its code', session_state('QRCODE'), 'disconnected'),
    state('closed', session_state('CLOSED'), 'disconnected'),
    state('never started', session_state(null), 'disconnected'),
    state('a status from the future', session_state('DREAMING'), 'unknown'),
    state('a bad token', bad_token, 'disconnected'),
    state('an answer of something else', answerJson(200, { ok: true }), 'unknown'),
  ],
  number_checks: [
    {
      title: 'a number that exists under another ninth digit',
      answers: [checked({ id: wid, numberExists: true, canReceiveMessage: true })],
      expected: {
        kind: 'exists',
        address: { kind: 'wa_id', value: '553188880001@c.us' },
        identities: [{ kind: 'wa_id', value: '553188880001@c.us' }],
      },
    },
    {
      title: 'a number that exists, its LID beside it',
      answers: [checked({ id: '553188880001@c.us', lid: '138400000000001@lid', numberExists: true })],
      expected: {
        kind: 'exists',
        identities: [
          { kind: 'wa_id', value: '553188880001@c.us' },
          { kind: 'lid', value: '138400000000001@lid' },
        ],
      },
    },
    {
      title: 'a number without WhatsApp',
      answers: [checked({ id: wid, numberExists: false })],
      expected: { kind: 'absent', error: { code: 'recipient_not_on_whatsapp' } },
    },
    later('an answer that says nothing', checked({}), 'provider_unavailable'),
    later('a session that is not active', not_active, 'provider_unavailable', 'disconnected'),
    later('a bad token', bad_token, 'channel_credentials_invalid', 'disconnected'),
    later('an error', failed('odd 5531988880001'), 'provider_unavailable'),
  ],
  template_listings: [],
  inbound: wppconnectInbound(session),
};
