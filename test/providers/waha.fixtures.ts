import { correlators, doubt, later, message, refusal, state, text, to, unsendable } from '../support/gateway-cases.ts';
import type { ProviderFixtures } from '../support/provider-fixtures.ts';
import { answer, answerJson } from '../support/scripted-server.ts';
import { wahaInbound } from './waha-inbound.fixtures.ts';

const api_key = 'fake-waha-key-51C0FFEE';
const session = 'loja-1';
const hmac_key = 'my-secret-key';
const [first = '', second = ''] = correlators;
/** Of the message that both correlators name: 3EB0 and 18 digits of its SHA-256. */
const id = '3EB00392122C8765CACE3F';
const body_to = (chatId: string) => ({ session, chatId, text, linkPreview: false, id });
const accepted = { id: `true_553188880001@c.us_${id}`, timestamp: 1_790_000_000, fromMe: true, body: text, ack: 0 };
const nest = (status: number, message: unknown) => answerJson(status, { statusCode: status, message, error: 'x' });

/** As WAHA tells what its engine threw: with the whole request beside it. */
function thrown(text_of_error: string) {
  return answerJson(500, {
    statusCode: 500,
    timestamp: '2026-11-22T12:00:00.000Z',
    exception: { message: text_of_error, name: 'Error', code: 2 },
    request: { path: '/api/sendText', method: 'POST', body: body_to('553188880001@c.us'), query: {} },
    version: { version: '2026.7.1', engine: 'GOWS', tier: 'CORE' },
  });
}

const session_is = (status: string) =>
  answerJson(422, {
    error: 'Session status is not as expected. Try again later or restart the session',
    session,
    status,
    expected: ['WORKING'],
  });
const no_session = answerJson(422, { error: `Session "${session}" does not exist`, session });
const status = (name: unknown, data?: unknown) => answerJson(200, { name: session, status: name, data });

export const waha_fixtures: ProviderFixtures = {
  credentials: { api_key, session, hmac_key },
  message,
  accepted_body: JSON.stringify(accepted),
  requests: [
    {
      title: 'a text to a phone, under an id of ours',
      message,
      expected: { method: 'POST', path: '/api/sendText', headers: { 'x-api-key': api_key } },
      body: body_to('5531988880001@c.us'),
    },
    {
      title: 'the same id in the next attempt, so that resend_same_id doubles nothing',
      message: { ...message, correlator: second },
      expected: {},
      body: body_to('5531988880001@c.us'),
    },
    {
      title: 'another id for another message',
      message: { ...message, correlator: first.replace('AZqs', 'AZqt') },
      expected: {},
      body: { id: '3EB06C184C4B0B4924A7C5' },
    },
    {
      title: "WhatsApp's internal form becomes the public one",
      message: to('wa_id', '553188880001@s.whatsapp.net'),
      expected: {},
      body: body_to('553188880001@c.us'),
    },
    { title: 'a LID', message: to('lid', '138400000000001@lid'), expected: {}, body: body_to('138400000000001@lid') },
  ],
  unsendable,
  sends: [
    {
      title: 'accepted, with the address really used',
      answers: [answerJson(201, accepted)],
      expected: {
        kind: 'accepted',
        provider_message_id: id,
        held: false,
        identities: [{ kind: 'wa_id', value: '553188880001@c.us' }],
      },
    },
    {
      title: "accepted by NOWEB, Baileys' object",
      answers: [answerJson(201, { key: { remoteJid: '138400000000001@lid', fromMe: true, id } })],
      expected: {
        kind: 'accepted',
        provider_message_id: id,
        identities: [{ kind: 'lid', value: '138400000000001@lid' }],
      },
    },
    {
      title: 'accepted by WEBJS, the id an object and not ours',
      answers: [answerJson(201, { id: { fromMe: true, _serialized: 'true_553188880001@c.us_3EB0AA_out' } })],
      expected: { kind: 'accepted', provider_message_id: '3EB0AA' },
    },
    {
      title: 'accepted by GOWS, the id bare',
      answers: [answerJson(201, { id, _data: {} })],
      expected: { kind: 'accepted', provider_message_id: id, identities: [] },
    },
    refusal('a bad key', nest(401, 'Unauthorized'), 'channel_credentials_invalid', 'disconnected'),
    refusal('a key of another session', nest(403, 'Forbidden resource'), 'channel_permission_missing'),
    refusal('a session that is not there', no_session, 'channel_not_found_at_provider', 'disconnected'),
    refusal('a path that is not there', nest(404, 'Cannot POST /api/sendText'), 'channel_not_found_at_provider'),
    refusal('a body that fails validation', nest(400, ['chatId must be a string']), 'message_invalid'),
    refusal('a body that cannot be processed', nest(422, 'chatId is wrong'), 'message_invalid'),
    refusal(
      '463 in a 500',
      thrown(`2 UNKNOWN: server returned error 463 for 5531988880001: ${text}`),
      'channel_restricted_for_new_chats',
      'restricted',
    ),
    later('a session that waits for its code', session_is('SCAN_QR_CODE'), 'provider_unavailable', 'disconnected'),
    later('a session that starts', session_is('STARTING'), 'provider_unavailable', 'connecting'),
    {
      title: 'too many requests',
      answers: [answer(429, 'slow down', { 'retry-after': '7' })],
      expected: { kind: 'unavailable', error: { code: 'provider_rate_limited' }, retry_after_ms: 7_000 },
    },
    doubt('the engine threw', thrown(`invalid wid ${text}`)),
    doubt('a stack whose line is 463', thrown(`TypeError at gows.js:463:12 ${api_key}`)),
    doubt('a 403 page of a proxy', answer(403, '<html>Forbidden')),
    doubt('a 400 of something else', answerJson(400, { error: text })),
  ],
  channel_checks: [
    state('working', status('WORKING'), 'connected'),
    state('starting', status('STARTING'), 'connecting'),
    state('waiting for its code', status('SCAN_QR_CODE'), 'disconnected'),
    state('waiting for a passkey', status('PASSKEY_REQUIRED'), 'disconnected'),
    state('stopped', status('STOPPED'), 'disconnected'),
    state('failed', status('FAILED'), 'disconnected'),
    state('a status from the future', status('DREAMING'), 'unknown'),
    state('locked for new chats', status('WORKING', { reachoutTimelock: { isActive: true } }), 'restricted'),
    state('not locked any more', status('WORKING', { reachoutTimelock: { isActive: false } }), 'connected'),
    state('a session that is not there', nest(404, 'Session not found'), 'disconnected'),
    state('a bad key', nest(401, 'Unauthorized'), 'disconnected'),
    state('an answer of something else', answerJson(200, { ok: true }), 'unknown'),
  ],
  number_checks: [
    {
      title: 'a number that exists under another ninth digit',
      answers: [answerJson(200, { numberExists: true, chatId: '553188880001@c.us' })],
      expected: {
        kind: 'exists',
        address: { kind: 'wa_id', value: '553188880001@c.us' },
        identities: [{ kind: 'wa_id', value: '553188880001@c.us' }],
      },
    },
    {
      title: 'a number that exists as a LID',
      answers: [answerJson(200, { numberExists: true, chatId: '138400000000001@lid' })],
      expected: { kind: 'exists', address: { kind: 'lid', value: '138400000000001@lid' } },
    },
    {
      title: 'a number without WhatsApp',
      answers: [answerJson(200, { numberExists: false })],
      expected: { kind: 'absent', error: { code: 'recipient_not_on_whatsapp' } },
    },
    later('exists without an address', answerJson(200, { numberExists: true }), 'provider_unavailable'),
    later('a session that is not working', session_is('FAILED'), 'provider_unavailable', 'disconnected'),
    later('a session that is not there', no_session, 'channel_not_found_at_provider', 'disconnected'),
    later('the engine threw', thrown('fetch failed for 5531988880001'), 'provider_unavailable'),
    later('a bad key', nest(401, 'Unauthorized'), 'channel_credentials_invalid', 'disconnected'),
  ],
  template_listings: [],
  inbound: wahaInbound(session),
};
