import { Type } from '@sinclair/typebox';
import type { HttpOutcome } from '../../outbound/outbound.ts';
import type {
  Address,
  ChannelNews,
  NumberCheck,
  OutboundMessage,
  Provider,
  ProviderCall,
  SendOutcome,
} from '../provider.ts';
import { restricted } from '../whatsapp-web.ts';
import {
  ambiguous,
  ask,
  isObject,
  type Json,
  listAt,
  objectAt,
  providerError,
  readJson,
  secretsOf,
  stringOf,
  transportError,
  withoutAnswer,
} from '../wire.ts';
import { provider_name, readFault } from './evolution-answer.ts';
import { inbound } from './inbound.ts';
import { isLocked, quote } from './inbound-statuses.ts';
import { addressOf } from './jid.ts';

const credentials = Type.Object(
  {
    api_key: Type.String({
      minLength: 1,
      maxLength: 512,
      pattern: '^[\\x21-\\x7e]+$',
      description: "The instance's token, or the server's global key.",
    }),
    instance: Type.String({
      minLength: 1,
      maxLength: 128,
      // A path segment; `.` and `..` would be resolved away by the URL parser.
      pattern: '^(?!\\.{1,2}$)[A-Za-z0-9 ._@+-]+$',
      description: 'Name of the instance as Evolution lists it.',
    }),
  },
  { additionalProperties: false },
);

/** Evolution API v2: a gateway that drives WhatsApp Web. */
export const evolution = {
  name: provider_name,
  type: 'unofficial',
  credentials,
  default_max_per_second: 1,
  capabilities: {
    requires_template: false,
    opens_without_message: true,
    checks_number: true,
    chooses_message_id: false,
    reports_status: true,
  },
  send,
  checkChannel,
  checkNumber,
  inbound,
} satisfies Provider;

async function send(call: ProviderCall, { to, content, correlator }: OutboundMessage): Promise<SendOutcome> {
  const number = numberOf(to);
  if (number === null) return { kind: 'refused', error: providerError(provider_name, 'recipient_address_invalid') };
  if (content.type !== 'text') return { kind: 'refused', error: providerError(provider_name, 'message_invalid') };
  const body = { number, text: content.text, delay: 0, linkPreview: false };
  const outcome = await askInstance(call, '/message/sendText', body);
  if (outcome.kind !== 'answered') return withoutAnswer(provider_name, outcome);
  const secrets = secretsOf(call, { to, content, correlator });
  if (outcome.status >= 200 && outcome.status < 300) return readAccepted(outcome.body, secrets);
  const fault = readFault(outcome, secrets);
  if (fault.kind !== 'doubtful') return fault;
  const doubt = ambiguous(provider_name, fault.message, String(outcome.status));
  return fault.channel ? { ...doubt, channel: fault.channel } : doubt;
}

/** The JID whole where we have one: Evolution rewrites bare digits by rule of thumb, and only a suffix marks a LID. */
function numberOf({ kind, value }: Address): string | null {
  if (kind === 'bsuid' || kind === 'parent_bsuid') return null;
  if (kind === 'lid') return /^\d+(@lid)?$/.test(value) ? `${value.replace('@lid', '')}@lid` : null;
  if (/^\d+@(s\.whatsapp\.net|lid)$/.test(value)) return value;
  return /^\+?\d{6,15}$/.test(value) ? value.replace('+', '') : null;
}

function readAccepted(text: string, secrets: string[]): SendOutcome {
  const body = readJson(text);
  const key = objectAt(body, 'key');
  const stubs = listAt(body, 'messageStubParameters');
  if (isObject(body) && isObject(body.key) && isLocked(stubs)) {
    const message = quote(stubs, secrets);
    const error = providerError(provider_name, 'channel_restricted_for_new_chats', { code: '463', message });
    return { kind: 'refused', error, channel: restricted(message ?? '463') };
  }
  const provider_message_id = stringOf(key.id, 256);
  if (provider_message_id === null) return ambiguous(provider_name, 'a 2xx without a message id');
  const address = addressOf(key.remoteJid);
  return { kind: 'accepted', provider_message_id, held: false, identities: address ? [address] : [] };
}

/** The address that WhatsApp has for a number, its ninth digit resolved. Nothing is sent to the contact. */
async function checkNumber(call: ProviderCall, phone: string): Promise<NumberCheck> {
  const number = phone.replace(/\D/g, '');
  const outcome = await askInstance(call, '/chat/whatsappNumbers', { numbers: [number] });
  if (outcome.kind !== 'answered') {
    return { kind: 'unavailable', error: transportError(provider_name, outcome), retry_after_ms: null };
  }
  if (outcome.status >= 200 && outcome.status < 300) return readNumberCheck(readJson(outcome.body));
  const fault = readFault(outcome, [...secretsOf(call), phone]);
  if (fault.kind === 'unavailable') return fault;
  const news = fault.channel ? { channel: fault.channel } : {};
  if (fault.kind === 'doubtful') {
    const said = { code: String(outcome.status), message: fault.message };
    const error = providerError(provider_name, 'provider_unavailable', said);
    return { kind: 'unavailable', error, retry_after_ms: null, ...news };
  }
  if (fault.error.code === 'recipient_not_on_whatsapp') return { kind: 'absent', error: fault.error };
  return { kind: 'unavailable', error: fault.error, retry_after_ms: null, ...news };
}

function readNumberCheck(body: unknown): NumberCheck {
  const found = objectAt(body, 0);
  if (found.exists === false) {
    const error = providerError(provider_name, 'recipient_not_on_whatsapp', { message: 'exists: false' });
    return { kind: 'absent', error };
  }
  const address = found.exists === true ? addressOf(found.jid) : null;
  if (!address) {
    const error = providerError(provider_name, 'provider_unavailable', { message: 'an answer without exists or jid' });
    return { kind: 'unavailable', error, retry_after_ms: null };
  }
  // `lid` holds the JID, or in some builds the word "lid" alone.
  const lid = addressOf(found.lid);
  const identities = lid && lid.value !== address.value ? [address, lid] : [address];
  return { kind: 'exists', address, identities };
}

async function checkChannel(call: ProviderCall): Promise<ChannelNews> {
  const outcome = await askInstance(call, '/instance/connectionState');
  if (outcome.kind !== 'answered') return { status: 'unknown', detail: `${outcome.reason}: ${outcome.detail}` };
  if (outcome.status >= 200 && outcome.status < 300) return readConnectionState(readJson(outcome.body));
  const fault = readFault(outcome, secretsOf(call));
  if (fault.kind === 'unavailable') return { status: 'unknown', detail: 'HTTP 429' };
  if (fault.channel) return fault.channel;
  const detail = fault.kind === 'refused' ? fault.error.provider.message : fault.message;
  return { status: 'unknown', detail };
}

function readConnectionState(body: unknown): ChannelNews {
  if (!isObject(body) || !isObject(body.instance)) return { status: 'unknown', detail: 'an answer without instance' };
  const { state } = body.instance;
  switch (state) {
    case 'open':
      return { status: 'connected', detail: null };
    case 'connecting':
      return { status: 'connecting', detail: null };
    default:
      // Missing right after the gateway has booted: no session either way.
      return { status: 'disconnected', detail: stringOf(state, 64) ?? 'no state' };
  }
}

function askInstance(call: ProviderCall, path: string, body?: Json): Promise<HttpOutcome> {
  const { api_key = '', instance = '' } = call.credentials;
  const whole = `${path}/${encodeURIComponent(instance)}`;
  return ask(call, { path: whole, headers: { apikey: api_key }, ...(body ? { body } : {}) });
}
