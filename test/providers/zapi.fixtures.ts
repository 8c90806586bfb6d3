import { doubt, later, message, refusal, state, text, to, unsendable } from '../support/gateway-cases.ts';
import type { ProviderFixtures } from '../support/provider-fixtures.ts';
import { answer, answerJson } from '../support/scripted-server.ts';
import { zapiInbound } from './zapi-inbound.fixtures.ts';

const instance_id = '3C00FAKE00INSTANCE';
const token = 'FAKE0TOKEN0B6D711FC';
const client_token = 'Fake0client0token0S';
const base = `/instances/${instance_id}/token/${token}`;
const accepted = { zaapId: '3999000000000001', messageId: 'D241000000000001', id: 'D241000000000001' };
const error = (status: number, words: string) => answerJson(status, { error: words });
const connected = answerJson(200, { connected: true, smartphoneConnected: true, error: 'You are already connected.' });
const exists = (body: unknown) => answerJson(200, body);

export const zapi_fixtures: ProviderFixtures = {
  credentials: { instance_id, token, client_token },
  message,
  accepted_body: JSON.stringify(accepted),
  before_send: { path: '/status', answer: connected },
  requests: [
    {
      title: 'a text to a phone, digits only',
      message,
      expected: {
        method: 'POST',
        path: `${base}/send-text`,
        headers: { 'client-token': client_token, 'content-type': 'application/json' },
      },
      body: { phone: '5531988880001', message: text },
    },
    {
      title: 'a text to the number that a check returned',
      message: to('wa_id', '553188880001'),
      expected: {},
      body: { phone: '553188880001' },
    },
    {
      title: 'a LID keeps its suffix',
      message: to('lid', '138400000000001@lid'),
      expected: {},
      body: { phone: '138400000000001@lid' },
    },
  ],
  unsendable,
  sends: [
    {
      title: 'taken into the queue',
      answers: [answerJson(200, accepted)],
      expected: { kind: 'accepted', provider_message_id: 'D241000000000001', held: false, identities: [] },
    },
    refusal('no client token, with 200', error(200, 'null not allowed'), 'channel_credentials_invalid', 'disconnected'),
    refusal(
      'a wrong client token, repeated in the answer',
      error(403, `Client-Token ${client_token} not allowed`),
      'channel_credentials_invalid',
      'disconnected',
    ),
    refusal(
      'an address that may not call, with 200',
      error(200, '[203.0.113.7] not allowed'),
      'channel_permission_missing',
    ),
    refusal('a bad token', error(401, 'Unauthorized'), 'channel_credentials_invalid', 'disconnected'),
    refusal(
      'an instance that is not there',
      error(400, `Instance not found: ${instance_id}/${token}`),
      'channel_not_found_at_provider',
      'disconnected',
    ),
    refusal(
      'a path that is not there',
      answerJson(404, { error: 'NOT_FOUND', message: 'Unable to find matching target resource method' }),
      'channel_not_found_at_provider',
    ),
    refusal('a number without WhatsApp', error(400, 'Phone number does not exist'), 'recipient_not_on_whatsapp'),
    refusal('the lock', error(400, 'SHADOW_BAN: restricted'), 'channel_restricted_for_new_chats', 'restricted'),
    refusal('a wrong method', answer(405, ''), 'provider_refused'),
    later('disconnected after all', error(400, 'You need to be connected'), 'provider_unavailable', 'disconnected'),
    {
      title: 'too many requests',
      answers: [answer(429, 'slow down', { 'retry-after': '7' })],
      expected: { kind: 'unavailable', error: { code: 'provider_rate_limited' }, retry_after_ms: 7_000 },
    },
    doubt('an error beside an id', answerJson(200, { ...accepted, error: 'odd' })),
    doubt('an error of a kind nobody knows, with 200', error(200, `odd: ${text}`)),
    doubt('an error of a kind nobody knows', error(500, `odd: ${token} ${text} to 5531988880001`)),
    doubt('a page of a proxy', answer(403, `<html>${base}/send-text`)),
  ],
  channel_checks: [
    state('connected, in spite of words in error', connected, 'connected'),
    state('not connected', answerJson(200, { connected: false, error: 'You are not connected.' }), 'disconnected'),
    state('no client token', error(200, 'null not allowed'), 'disconnected'),
    state('an instance that is not there', error(404, `Instance not found ${token}`), 'disconnected'),
    state('an address that may not call', error(200, '[203.0.113.7] not allowed'), 'unknown'),
    state('an answer of something else', answerJson(200, { ok: true }), 'unknown'),
  ],
  number_checks: [
    {
      title: 'a number that exists under another ninth digit, with its LID',
      answers: [exists([{ exists: true, phone: '553188880001', lid: '138400000000001@lid' }])],
      expected: {
        kind: 'exists',
        address: { kind: 'wa_id', value: '553188880001' },
        identities: [
          { kind: 'wa_id', value: '553188880001' },
          { kind: 'lid', value: '138400000000001@lid' },
        ],
      },
    },
    {
      title: 'the same as an object, without a LID',
      answers: [exists({ exists: true, phone: '553188880001', lid: null })],
      expected: { kind: 'exists', identities: [{ kind: 'wa_id', value: '553188880001' }] },
    },
    {
      title: 'a number without WhatsApp',
      answers: [exists([{ exists: false, phone: '5531988880001', lid: null }])],
      expected: { kind: 'absent', error: { code: 'recipient_not_on_whatsapp' } },
    },
    {
      title: 'a number without WhatsApp, as an error',
      answers: [error(400, 'Invalid phone number 5531988880001')],
      expected: { kind: 'absent' },
    },
    later('an empty list', exists([]), 'provider_unavailable'),
    later('exists without a phone', exists([{ exists: true }]), 'provider_unavailable'),
    later('disconnected', error(200, 'You are not connected'), 'provider_unavailable', 'disconnected'),
    later('no client token', error(200, 'null not allowed'), 'channel_credentials_invalid', 'disconnected'),
  ],
  template_listings: [],
  inbound: zapiInbound(instance_id),
};
