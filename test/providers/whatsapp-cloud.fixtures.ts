import type { OutboundMessage } from '../../src/providers/provider.ts';
import type { ProviderFixtures } from '../support/provider-fixtures.ts';
import { answer, answerJson, type Reaction } from '../support/scripted-server.ts';
import { template_listings } from './template-listing.fixtures.ts';
import { whatsappCloudInbound } from './whatsapp-cloud-inbound.fixtures.ts';

const app_secret = 'fake-app-secret-of-the-channel';
const access_token = 'EAAfake0token0of0the0channel000';
const text = 'Olá Ana, seu pedido chegou à loja da Rua Sergipe.';
const correlator = 'msg_01J9.1.abcdef';
const message: OutboundMessage = {
  to: { kind: 'phone', value: '+5531988880001' },
  content: { type: 'text', text },
  correlator,
};
const to = (kind: 'wa_id' | 'bsuid' | 'parent_bsuid' | 'lid' | 'phone', value: string) => ({
  ...message,
  to: { kind, value },
});

const accepted = {
  messaging_product: 'whatsapp',
  contacts: [{ input: '+5531988880001', wa_id: '553188880001' }],
  messages: [{ id: 'wamid.HBgMFAKE', message_status: 'accepted' }],
};
const common = { messaging_product: 'whatsapp', recipient_type: 'individual', biz_opaque_callback_data: correlator };
const text_body = { type: 'text', text: { body: text, preview_url: false } };
const sent_to = { method: 'POST', path: '/v25.0/106600000000001/messages' };

/** Graph's error envelope, quoting what it should not. */
function fault(
  status: number,
  code: number,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Reaction {
  const error = {
    message: `(#${code}) ${text} for +5531988880001 with ${access_token}`,
    type: 'OAuthException',
    code,
    error_data: { messaging_product: 'whatsapp', details: `body was {"body":${JSON.stringify(text)}}` },
    fbtrace_id: 'AbCdEf123_-',
    ...more,
  };
  return answerJson(status, { error }, headers);
}

function refusal(title: string, reaction: Reaction, code: string, channel?: string) {
  const expected = { kind: 'refused', error: { code }, ...(channel ? { channel: { status: channel } } : {}) };
  return { title, answers: [reaction], expected };
}

function postponement(title: string, reaction: Reaction, code: string, retry_after_ms: number | null) {
  return { title, answers: [reaction], expected: { kind: 'unavailable', error: { code }, retry_after_ms } };
}

const paused = refusal('a paused template, which we did not know', fault(400, 132015), 'template_paused');

export const whatsapp_cloud_fixtures: ProviderFixtures = {
  credentials: {
    access_token,
    phone_number_id: '106600000000001',
    waba_id: '209900000000002',
    app_secret,
    verify_token: 'fake-verify-token',
  },
  message,
  accepted_body: JSON.stringify(accepted),
  requests: [
    { title: 'a text to a phone', message, expected: sent_to, body: { ...common, ...text_body, to: '+5531988880001' } },
    {
      title: 'a text to a wa_id, its plus put in front',
      message: to('wa_id', '553188880001'),
      expected: { headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' } },
      body: { ...common, ...text_body, to: '+553188880001' },
    },
    {
      title: 'a text to a BSUID, in `recipient`',
      message: to('bsuid', 'BR.7H2K9Q41ZXCV'),
      expected: sent_to,
      body: { ...common, ...text_body, recipient: 'BR.7H2K9Q41ZXCV', to: undefined },
    },
    {
      title: 'a BSUID is known by its shape, whatever it is called',
      message: to('wa_id', 'BR.ENT.7H2K9Q41ZXCV'),
      expected: sent_to,
      body: { recipient: 'BR.ENT.7H2K9Q41ZXCV', to: undefined },
    },
    {
      title: 'a template without slots, without components',
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
      expected: sent_to,
      body: { type: 'template', template: { name: 'boas_vindas', language: { code: 'pt_BR' }, components: undefined } },
    },
  ],
  unsendable: [
    { title: 'a LID', message: to('lid', '138400000000001@lid'), code: 'recipient_address_invalid' },
    { title: 'no number', message: to('phone', 'ana'), code: 'recipient_address_invalid' },
  ],
  sends: [
    {
      title: 'accepted, with the wa_id that Meta uses',
      answers: [answerJson(200, accepted)],
      expected: {
        kind: 'accepted',
        provider_message_id: 'wamid.HBgMFAKE',
        held: false,
        identities: [{ kind: 'wa_id', value: '553188880001' }],
      },
    },
    {
      title: 'accepted, addressed by BSUID',
      answers: [answerJson(200, { ...accepted, contacts: [{ input: 'BR.1A2B', user_id: 'BR.1A2B' }] })],
      expected: { kind: 'accepted', identities: [{ kind: 'bsuid', value: 'BR.1A2B' }] },
    },
    ...['held_for_quality_assessment', 'paused'].map((message_status) => ({
      title: `${message_status} is accepted and held`,
      answers: [answerJson(200, { ...accepted, messages: [{ id: 'wamid.H', message_status }] })],
      expected: { kind: 'accepted', provider_message_id: 'wamid.H', held: true },
    })),
    {
      title: 'a 2xx with an empty list',
      answers: [answerJson(200, { messages: [] })],
      expected: { kind: 'ambiguous' },
    },
    {
      title: 'a 2xx with an id that is no text',
      answers: [answerJson(200, { messages: [{ id: 7 }] })],
      expected: { kind: 'ambiguous' },
    },
    refusal('an error envelope with 200', fault(200, 100), 'message_invalid'),
    refusal('expired token', fault(401, 190), 'channel_credentials_invalid', 'disconnected'),
    refusal('code 0', fault(401, 0), 'channel_credentials_invalid', 'disconnected'),
    refusal('a permission that is missing, despite the 500', fault(500, 3), 'channel_permission_missing'),
    refusal(
      'the number was deleted',
      fault(400, 100, { error_subcode: 33 }),
      'channel_not_found_at_provider',
      'disconnected',
    ),
    refusal('account locked', fault(403, 131031), 'channel_blocked', 'restricted'),
    refusal('unknown template', fault(404, 132001), 'template_not_found'),
    { ...paused, expected: { ...paused.expected, wants_sync: true } },
    refusal('error_data as a bare string', fault(400, 132000, { error_data: text }), 'template_parameters_rejected'),
    refusal('opted out', fault(400, 131050), 'recipient_opted_out'),
    refusal('an unknown code', fault(400, 999_999), 'provider_refused'),
    refusal('a code as a string', fault(400, 131026, { code: '131026' }), 'recipient_undeliverable'),
    postponement('throughput', fault(400, 130429), 'provider_rate_limited', 1_000),
    postponement('pair rate', fault(400, 131056), 'recipient_rate_limited', 6_000),
    postponement(
      'the account call rate, with the advice in the header',
      fault(400, 80007, {}, { 'x-business-use-case-usage': '{"1":[{"estimated_time_to_regain_access":3}]}' }),
      'provider_rate_limited',
      180_000,
    ),
    postponement(
      'the app call rate, without advice',
      fault(400, 4, {}, { 'x-business-use-case-usage': 'x' }),
      'provider_rate_limited',
      60_000,
    ),
    postponement('a fault of its own, with an envelope and 500', fault(500, 131000), 'provider_unavailable', 30_000),
    postponement(
      'an unknown transient code',
      fault(400, 999_998, { is_transient: true }),
      'provider_unavailable',
      30_000,
    ),
    postponement('an unknown code with 503', fault(503, 999_997), 'provider_unavailable', 30_000),
    {
      title: 'a 400 page without an envelope',
      answers: [answer(400, '<html>Bad Request')],
      expected: { kind: 'ambiguous' },
    },
    {
      title: 'an error without a code',
      answers: [answerJson(502, { error: { message: text } })],
      expected: { kind: 'ambiguous' },
    },
  ],
  channel_checks: [
    {
      title: 'readable and connected',
      answers: [answerJson(200, { id: '1', status: 'CONNECTED' })],
      expected: { status: 'connected', detail: null },
    },
    { title: 'readable, without status', answers: [answerJson(200, { id: '1' })], expected: { status: 'connected' } },
    {
      title: 'restricted',
      answers: [answerJson(200, { status: 'RESTRICTED' })],
      expected: { status: 'restricted', detail: 'RESTRICTED' },
    },
    {
      title: 'a status from the future',
      answers: [answerJson(200, { status: 'SLEEPING' })],
      expected: { status: 'unknown', detail: 'SLEEPING' },
    },
    { title: 'expired token', answers: [fault(401, 190)], expected: { status: 'disconnected' } },
    { title: 'permission missing', answers: [fault(403, 200)], expected: { status: 'disconnected' } },
    { title: 'not registered', answers: [fault(400, 133010)], expected: { status: 'disconnected' } },
    { title: 'busy', answers: [fault(400, 4)], expected: { status: 'unknown' } },
  ],
  number_checks: [],
  template_listings,
  inbound: whatsappCloudInbound(app_secret),
};
