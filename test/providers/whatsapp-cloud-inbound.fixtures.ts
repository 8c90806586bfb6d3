import { createHmac } from 'node:crypto';
import type { InboundCase, InboundFixtures } from '../support/provider-fixtures.ts';
import {
  at,
  bodyAbout,
  bodyOf,
  bodyWith,
  contact,
  from,
  identities,
  metadata,
  phone_number_id,
  seconds,
  waba_id,
} from './whatsapp-cloud-inbound.bodies.ts';
import { field_cases } from './whatsapp-cloud-inbound-fields.fixtures.ts';
import { type Json, message_cases } from './whatsapp-cloud-inbound-messages.fixtures.ts';
import { person_cases } from './whatsapp-cloud-inbound-people.fixtures.ts';

const text = { type: 'text', text: { body: 'olá https://a.example/c' } };
const status = (fact: string) => ({
  kind: 'status' as const,
  provider_message_id: 'wamid.OUT1',
  correlator: 'msg_01J9.1.abcdef',
  fact,
  at,
  error: null,
  identities,
});

function statusCase(word: string, more: Json = {}, fact = word): InboundCase {
  const pricing = { billable: true, pricing_model: 'PMP', type: 'regular', category: 'utility' };
  const conversation = { id: 'c1', expiration_timestamp: seconds, origin: { type: 'service' } };
  const body = bodyAbout({ status: word, pricing, conversation, ...more }, { contacts: [contact] });
  return { title: word, body, expected: [status(fact)] };
}

function failedCase(code: number, ours: string, channel?: string): InboundCase {
  const fault = {
    code,
    title: 'Message undeliverable',
    message: 'Message undeliverable',
    error_data: { details: 'Not for 553188880001.' },
    href: 'https://developers.example/errors',
  };
  const provider = { name: 'whatsapp_cloud', code: String(code), message: 'Message undeliverable — Not for [hidden].' };
  const failed = { ...status('failed'), error: { code: ours, provider } };
  const news = channel ? [{ kind: 'channel' as const, at, news: { status: channel } }] : [];
  return {
    title: `failed with ${code}`,
    body: bodyAbout({ status: 'failed', errors: [fault] }),
    expected: [failed, ...news],
  };
}

const status_cases: InboundCase[] = [
  statusCase('sent'),
  statusCase('played', {}, 'read'),
  failedCase(131047, 'service_window_closed'),
  failedCase(131049, 'marketing_limit_reached'),
  failedCase(131031, 'channel_blocked', 'restricted'),
  failedCase(999_999, 'provider_refused'),
  {
    title: 'failed without a reason',
    body: bodyAbout({ status: 'failed' }),
    expected: [{ kind: 'status', fact: 'failed', error: { code: 'provider_refused', provider: { code: null } } }],
  },
  {
    title: 'a status of a send by user id: no phone, and empty is absent',
    body: bodyAbout({
      status: 'delivered',
      recipient_id: '',
      recipient_parent_user_id: 'BR.ENT.9Z',
      biz_opaque_callback_data: undefined,
    }),
    expected: [
      {
        kind: 'status',
        correlator: null,
        identities: [
          { kind: 'bsuid', value: 'BR.1A2B3C' },
          { kind: 'parent_bsuid', value: 'BR.ENT.9Z' },
        ],
      },
    ],
  },
  ...['deleted', 'warning'].map(
    (word): InboundCase => ({
      title: `${word}, of gateways in front of Cloud API`,
      body: bodyAbout({ status: word }),
      expected: [{ kind: 'ignored', reason: `status_${word}` }],
    }),
  ),
  {
    title: 'a status from the future',
    body: bodyAbout({ status: 'admired' }),
    expected: [{ kind: 'ignored', reason: 'unknown_status' }],
  },
  {
    title: 'a status in a group',
    body: bodyAbout({ status: 'read', recipient_type: 'group', recipient_participant_id: '553188880002' }),
    expected: [{ kind: 'ignored', reason: 'group' }],
  },
];

/** Many at once, in their order, and none hides its neighbour. */
const batch: InboundCase = {
  title: 'two entries, several changes, many items, one of them poisoned',
  body: {
    object: 'whatsapp_business_account',
    entry: [
      {
        id: waba_id,
        changes: [
          {
            field: 'messages',
            value: {
              metadata,
              contacts: [contact, { profile: { name: 'Bia' }, wa_id: '553188880002' }],
              messages: [
                { from: '553188880002', id: 'wamid.A', timestamp: seconds, ...text },
                'poison',
                { from: '553188880001', id: 'wamid.B', timestamp: seconds, ...text },
              ],
              statuses: [{ id: 'wamid.OUT2', status: 'sent', timestamp: seconds }],
            },
          },
          { field: 'messages', value: { metadata: { phone_number_id: '9' }, messages: [text] } },
        ],
      },
      ...(bodyWith({ ...text, id: 'wamid.C' }).entry as unknown[]),
    ],
  },
  expected: [
    { kind: 'message', provider_message_id: 'wamid.A', from: { profile_name: 'Bia' } },
    { kind: 'ignored', reason: 'no_content' },
    { kind: 'message', provider_message_id: 'wamid.B', from },
    { kind: 'status', provider_message_id: 'wamid.OUT2', correlator: null, identities: [] },
    { kind: 'ignored', reason: 'other_number' },
    { kind: 'message', provider_message_id: 'wamid.C' },
  ],
};

const other_number = bodyOf('messages', {
  metadata: { display_phone_number: '5531988889999', phone_number_id: '106600000000009' },
  contacts: [contact],
  messages: [{ from: '553188880001', id: 'wamid.T1', timestamp: seconds, ...text }],
});
const echo = { from: '5531988880000', to: '553188880001', to_user_id: 'BR.1A2B3C', id: 'wamid.E1', timestamp: seconds };
const echoBody = (message: Json) =>
  bodyOf('smb_message_echoes', { metadata, message_echoes: [{ ...echo, ...message }] });
const echo_cases: InboundCase[] = [
  ...['edit', 'revoke'].map(
    (type): InboundCase => ({
      title: `our own ${type} in the app`,
      body: echoBody({ type, [type]: { original_message_id: 'wamid.E0' } }),
      expected: [{ kind: 'ignored', reason: 'own_change' }],
    }),
  ),
  {
    title: 'our own reaction in the app',
    body: echoBody({ type: 'reaction', reaction: { message_id: 'wamid.T1', emoji: '👍' } }),
    expected: [{ kind: 'ignored', reason: 'own_reaction' }],
  },
];

/** As Meta writes: one line, what is not ASCII as \u escapes, slashes escaped. */
const raw = Buffer.from(
  JSON.stringify(bodyWith(text))
    .replaceAll('/', '\\/')
    .replace(/[^\x20-\x7e]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`),
);

export function whatsappCloudInbound(app_secret: string): InboundFixtures {
  return {
    text: {
      title: 'a text',
      body: bodyWith(text),
      expected: [
        {
          kind: 'message',
          provider_message_id: 'wamid.T1',
          at,
          from,
          type: 'text',
          text: 'olá https://a.example/c',
          media: null,
          reply_to: null,
          opens: true,
        },
      ],
    },
    statuses: {
      sent: { title: 'sent, without the person', body: bodyAbout({ status: 'sent' }), expected: [status('sent')] },
      delivered: statusCase('delivered'),
      read: statusCase('read'),
      failed: failedCase(131026, 'recipient_undeliverable'),
    },
    echo: {
      title: 'a message typed in the app',
      body: echoBody(text),
      expected: [
        {
          kind: 'echo',
          provider_message_id: 'wamid.E1',
          correlator: null,
          at,
          to: { identities, profile_name: null },
          type: 'text',
          text: 'olá https://a.example/c',
        },
      ],
    },
    group: {
      title: 'a message in a group',
      body: bodyWith({ ...text, group_id: 'Y2FwaV9ncm91cDox' }),
      expected: [{ kind: 'ignored', reason: 'group' }],
    },
    other_number: {
      title: 'another number',
      body: other_number,
      expected: [{ kind: 'ignored', reason: 'other_number' }],
    },
    others: [...message_cases, ...person_cases, ...status_cases, ...echo_cases, ...field_cases, batch],
    rubbish: [
      { object: 'page', entry: [{ id: waba_id, changes: [] }] },
      { object: 'whatsapp_business_account', entry: [] },
      {
        object: 'whatsapp_business_account',
        entry: [{ id: waba_id }, null, { changes: [null, {}, { field: 'messages' }] }],
      },
      bodyOf('messages', { metadata }),
      bodyOf('messages', { metadata: { phone_number_id: Number(phone_number_id) }, messages: [[]] }),
      bodyOf('constructor', { metadata }),
      bodyWith({ type: 'constructor' }),
      bodyWith({ type: 'interactive', interactive: { type: '__proto__' } }),
    ],
    signed: {
      raw,
      headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', app_secret).update(raw).digest('hex')}` },
    },
  };
}
