import { Type } from '@sinclair/typebox';
import type {
  Address,
  ChannelNews,
  OutboundContent,
  OutboundMessage,
  Provider,
  ProviderCall,
  SendOutcome,
} from '../provider.ts';
import { ambiguous, type Json, objectAt, providerError, secretsOf, stringOf, withoutAnswer } from '../wire.ts';
import { askGraph, provider_name, readGraph } from './graph.ts';
import { inbound } from './inbound.ts';
import { bsuid_pattern } from './inbound-people.ts';
import { buildComponents } from './template-components.ts';
import { listTemplates } from './template-listing.ts';

const id_pattern = '^[0-9]{1,32}$';
const secret_pattern = '^[\\x21-\\x7e]+$';

const credentials = Type.Object(
  {
    access_token: Type.String({
      minLength: 1,
      maxLength: 1_024,
      pattern: secret_pattern,
      description: 'Token of a system user with whatsapp_business_messaging and whatsapp_business_management.',
    }),
    phone_number_id: Type.String({ pattern: id_pattern, description: 'Id of the phone number in Graph, digits only.' }),
    waba_id: Type.String({ pattern: id_pattern, description: 'Id of the WhatsApp Business Account, digits only.' }),
    app_secret: Type.String({
      minLength: 1,
      maxLength: 256,
      pattern: secret_pattern,
      description: "The Meta app's secret: it signs the webhooks.",
    }),
    previous_app_secret: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        pattern: secret_pattern,
        description: "While the app's secret is being changed: the other one, which signs as well.",
      }),
    ),
    verify_token: Type.Optional(
      Type.String({
        minLength: 8,
        maxLength: 200,
        pattern: secret_pattern,
        description:
          'What Meta repeats when it verifies the webhook, shown in `webhook`. Made up for you when left out.',
      }),
    ),
  },
  { additionalProperties: false },
);

/** WhatsApp Business Platform (Cloud API), spoken to Graph. */
export const whatsapp_cloud = {
  name: provider_name,
  type: 'official',
  credentials,
  default_base_url: 'https://graph.facebook.com',
  default_max_per_second: 80,
  capabilities: {
    requires_template: true,
    opens_without_message: false,
    checks_number: false,
    chooses_message_id: false,
    reports_status: true,
  },
  send,
  checkChannel,
  listTemplates,
  inbound,
} satisfies Provider;

/** What Meta answers when its template has other parameters than ours, is gone, or is not what it was. */
const template_suspicions = new Set(['132000', '132001', '132012', '135000']);
/** It is paused or disabled, which we did not know. */
const template_news = new Set(['132015', '132016']);

async function send(call: ProviderCall, message: OutboundMessage): Promise<SendOutcome> {
  const recipient = addressTo(message.to);
  if (!recipient) return { kind: 'refused', error: providerError(provider_name, 'recipient_address_invalid') };
  const { phone_number_id = '' } = call.credentials;
  const outcome = await askGraph(call, {
    path: `/${encodeURIComponent(phone_number_id)}/messages`,
    body: {
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      ...recipient,
      ...contentOf(message.content),
      biz_opaque_callback_data: message.correlator,
    },
  });
  if (outcome.kind !== 'answered') return withoutAnswer(provider_name, outcome);
  const reading = readGraph(outcome, secretsOf(call, message));
  if (reading.kind === 'unreadable') return ambiguous(provider_name, reading.message);
  if (reading.kind === 'read') return readAccepted(reading.body);
  const { verdict, error, channel } = reading;
  const news = channel ? { channel } : {};
  if (verdict.kind === 'refused') {
    const suspects_template = message.content.type === 'template' && template_suspicions.has(error.provider.code ?? '');
    const wants_sync = template_news.has(error.provider.code ?? '');
    const of_template = { ...(suspects_template ? { suspects_template } : {}), ...(wants_sync ? { wants_sync } : {}) };
    return { kind: 'refused', error, ...news, ...of_template };
  }
  const { retry_after_ms, most_tries } = verdict;
  return { kind: 'unavailable', error, retry_after_ms, ...(most_tries ? { most_tries } : {}), ...news };
}

/** By shape and not by kind alone: a BSUID in `to` is answered with 200 and never delivered. */
function addressTo({ kind, value }: Address): { to: string } | { recipient: string } | null {
  if (kind === 'lid') return null;
  if (bsuid_pattern.test(value)) return { recipient: value };
  const digits = value.replace(/^\+/, '');
  // Without its `+`, Meta may put the business's own country code in front.
  return /^\d{6,15}$/.test(digits) ? { to: `+${digits}` } : null;
}

function contentOf(content: OutboundContent): Json {
  if (content.type === 'text') return { type: 'text', text: { body: content.text, preview_url: false } };
  const components = buildComponents(content);
  const { name, language } = content;
  return {
    type: 'template',
    template: { name, language: { code: language }, ...(components.length > 0 ? { components } : {}) },
  };
}

function readAccepted(body: Json): SendOutcome {
  const message = objectAt(body.messages, 0);
  const provider_message_id = stringOf(message.id);
  if (provider_message_id === null) return ambiguous(provider_name, 'a 2xx without a message id');
  const held = message.message_status === 'held_for_quality_assessment' || message.message_status === 'paused';
  const { wa_id, user_id } = objectAt(body.contacts, 0);
  const identities: Address[] = [];
  if (typeof wa_id === 'string' && /^\d{6,20}$/.test(wa_id)) identities.push({ kind: 'wa_id', value: wa_id });
  const bsuid = typeof user_id === 'string' ? bsuid_pattern.exec(user_id) : null;
  if (bsuid) identities.push({ kind: bsuid[1] ? 'parent_bsuid' : 'bsuid', value: bsuid[0] });
  return { kind: 'accepted', provider_message_id, held, identities };
}

/** Reads the phone number's own record: whoever may read it may, as far as can be known, send from it. */
async function checkChannel(call: ProviderCall): Promise<ChannelNews> {
  const { phone_number_id = '' } = call.credentials;
  const query = new URLSearchParams({ fields: 'id,status,quality_rating' });
  const outcome = await askGraph(call, { path: `/${encodeURIComponent(phone_number_id)}?${query}` });
  if (outcome.kind !== 'answered') return { status: 'unknown', detail: `${outcome.reason}: ${outcome.detail}` };
  const reading = readGraph(outcome, secretsOf(call));
  if (reading.kind === 'unreadable') return { status: 'unknown', detail: reading.message };
  if (reading.kind === 'read') return readNumberStatus(reading.body);
  if (reading.channel) return reading.channel;
  const { code, message } = reading.error.provider;
  // Not being allowed to read the number is not being allowed to send from it.
  const status = reading.error.code === 'channel_permission_missing' ? 'disconnected' : 'unknown';
  return { status, detail: `${code}: ${message}` };
}

function readNumberStatus(body: Json): ChannelNews {
  const status = stringOf(body.status, 64);
  // Graph leaves out what an account does not have.
  if (status === null) return { status: 'connected', detail: null };
  switch (status.toUpperCase()) {
    case 'CONNECTED':
      return { status: 'connected', detail: null };
    case 'FLAGGED':
      return { status: 'connected', detail: status };
    case 'PENDING':
      return { status: 'connecting', detail: status };
    case 'RESTRICTED':
    case 'RATE_LIMITED':
    case 'BANNED':
      return { status: 'restricted', detail: status };
    case 'DISCONNECTED':
    case 'OFFLINE':
    case 'DELETED':
    case 'MIGRATED':
    case 'UNVERIFIED':
      return { status: 'disconnected', detail: status };
    default:
      return { status: 'unknown', detail: status };
  }
}
