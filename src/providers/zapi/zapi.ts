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
import { digitsOf, disconnected, lidDigitsOf } from '../whatsapp-web.ts';
import {
  ambiguous,
  ask,
  isObject,
  type Json,
  providerError,
  readJson,
  secretsOf,
  stringOf,
  transportError,
  withoutAnswer,
} from '../wire.ts';
import { errorIn, provider_name, readFault, type ZapiFault } from './zapi-answer.ts';
import { zapi_inbound } from './zapi-inbound.ts';

/** Path segments of every URL: none of them needs to be escaped. */
const segment = { minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_-]+$' };
const credentials = Type.Object(
  {
    instance_id: Type.String({ ...segment, description: 'Id of the instance, as the panel shows it.' }),
    token: Type.String({ ...segment, description: 'Token of the instance. It stands in every URL that we call.' }),
    client_token: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        pattern: '^[\\x21-\\x7e]+$',
        description: "The account's security token, once the account has switched it on.",
      }),
    ),
  },
  { additionalProperties: false },
);

/**
 * Z-API: a gateway that drives WhatsApp Web, as a service. It queues, and a queue of a disconnected instance is sent hours
 * later: so nothing is handed over before the instance has said that it is connected.
 */
export const zapi = {
  name: provider_name,
  type: 'unofficial',
  credentials,
  default_base_url: 'https://api.z-api.io',
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
  inbound: zapi_inbound,
} satisfies Provider;

async function send(call: ProviderCall, message: OutboundMessage): Promise<SendOutcome> {
  const { to, content } = message;
  const lid = lidDigitsOf(to);
  const phone = lid === null ? digitsOf(to) : `${lid}@lid`;
  if (phone === null) return { kind: 'refused', error: providerError(provider_name, 'recipient_address_invalid') };
  if (content.type !== 'text') return { kind: 'refused', error: providerError(provider_name, 'message_invalid') };
  const started_at = performance.now();
  const barred = await findBar(call, message);
  if (barred) return barred;
  const timeout_ms = Math.max(1, Math.round(call.timeout_ms - (performance.now() - started_at)));
  const outcome = await askInstance({ ...call, timeout_ms }, '/send-text', { phone, message: content.text });
  if (outcome.kind !== 'answered') return withoutAnswer(provider_name, outcome);
  const body = readJson(outcome.body);
  const id = isObject(body) ? (stringOf(body.messageId, 128) ?? stringOf(body.id, 128)) : null;
  const is_ok = outcome.status >= 200 && outcome.status < 300;
  if (is_ok && id !== null && errorIn(body) === null) {
    return { kind: 'accepted', provider_message_id: id, held: false, identities: [] };
  }
  // An id beside an error, or a success with neither: it may stand in the queue.
  if (is_ok && (id !== null || errorIn(body) === null)) return ambiguous(provider_name, 'a 2xx without a clear id');
  const fault = readFault(outcome, secretsOf(call, message));
  return fault.kind === 'doubtful' ? ambiguous(provider_name, fault.message, String(outcome.status)) : fault;
}

/** Why nothing may be handed over now; null when the instance is connected. Both calls share one timeout. */
async function findBar(call: ProviderCall, message: OutboundMessage): Promise<SendOutcome | null> {
  const timeout_ms = Math.ceil(call.timeout_ms / 2);
  const outcome = await askInstance({ ...call, timeout_ms }, '/status');
  if (outcome.kind === 'not_sent') return withoutAnswer(provider_name, outcome);
  if (outcome.kind === 'unanswered') {
    return { kind: 'unavailable', error: transportError(provider_name, outcome), retry_after_ms: null };
  }
  const body = readJson(outcome.body);
  if (outcome.status < 300 && isObject(body) && typeof body.connected === 'boolean') {
    return body.connected ? null : notConnected();
  }
  return fromQuestion(readFault(outcome, secretsOf(call, message)), outcome.status);
}

function notConnected(): SendOutcome {
  const channel = disconnected('the instance is not connected');
  const error = providerError(provider_name, 'provider_unavailable', { message: channel.detail });
  return { kind: 'unavailable', error, retry_after_ms: null, channel };
}

/** A question sends nothing, so a doubtful answer to it is no doubt about the message. */
function fromQuestion(fault: ZapiFault, status: number): Exclude<ZapiFault, { kind: 'doubtful' }> {
  if (fault.kind !== 'doubtful') return fault;
  const error = providerError(provider_name, 'provider_unavailable', { code: String(status), message: fault.message });
  return { kind: 'unavailable', error, retry_after_ms: null };
}

/** The address that WhatsApp has for a number, its ninth digit resolved. Nothing is sent to the contact. */
async function checkNumber(call: ProviderCall, phone: string): Promise<NumberCheck> {
  const outcome = await askInstance(call, `/phone-exists/${phone.replace(/\D/g, '')}`);
  if (outcome.kind !== 'answered') {
    return { kind: 'unavailable', error: transportError(provider_name, outcome), retry_after_ms: null };
  }
  const body = readJson(outcome.body);
  if (outcome.status >= 200 && outcome.status < 300 && errorIn(body) === null) return readNumberCheck(body);
  const fault = fromQuestion(readFault(outcome, [...secretsOf(call), phone]), outcome.status);
  if (fault.kind === 'unavailable') return fault;
  if (fault.error.code === 'recipient_not_on_whatsapp') return { kind: 'absent', error: fault.error };
  const news = fault.channel ? { channel: fault.channel } : {};
  return { kind: 'unavailable', error: fault.error, retry_after_ms: null, ...news };
}

/** Documented as a list and described as an object. */
function readNumberCheck(body: unknown): NumberCheck {
  const [first] = Array.isArray(body) ? body : [body];
  const found = isObject(first) ? first : {};
  if (found.exists === false) {
    const error = providerError(provider_name, 'recipient_not_on_whatsapp', { message: 'exists: false' });
    return { kind: 'absent', error };
  }
  const number = digitsOf({ kind: 'wa_id', value: stringOf(found.outputPhone ?? found.phone, 64) ?? '' });
  const lid = lidDigitsOf({ kind: 'lid', value: stringOf(found.lid, 64) ?? '' });
  const identities: Address[] = [
    ...(number === null ? [] : [{ kind: 'wa_id' as const, value: number }]),
    ...(lid === null ? [] : [{ kind: 'lid' as const, value: `${lid}@lid` }]),
  ];
  const [address] = identities;
  if (found.exists === true && address) return { kind: 'exists', address, identities };
  const error = providerError(provider_name, 'provider_unavailable', { message: 'an answer without exists or phone' });
  return { kind: 'unavailable', error, retry_after_ms: null };
}

/** `error` of this answer may hold mere information: `connected` decides. */
async function checkChannel(call: ProviderCall): Promise<ChannelNews> {
  const outcome = await askInstance(call, '/status');
  if (outcome.kind !== 'answered') return { status: 'unknown', detail: `${outcome.reason}: ${outcome.detail}` };
  const body = readJson(outcome.body);
  if (outcome.status < 300 && isObject(body) && typeof body.connected === 'boolean') {
    return body.connected ? { status: 'connected', detail: null } : disconnected('the instance is not connected');
  }
  const fault = readFault(outcome, secretsOf(call));
  if (fault.kind === 'doubtful') return { status: 'unknown', detail: fault.message };
  return fault.channel ?? { status: 'unknown', detail: fault.error.provider.message ?? `HTTP ${outcome.status}` };
}

/** The URL holds the credentials: it goes nowhere but to the client, whose outcomes do not repeat it. */
function askInstance(call: ProviderCall, path: string, body?: Json): Promise<HttpOutcome> {
  const { instance_id = '', token = '', client_token } = call.credentials;
  const whole = `/instances/${encodeURIComponent(instance_id)}/token/${encodeURIComponent(token)}${path}`;
  const headers: Record<string, string> = client_token ? { 'client-token': client_token } : {};
  return ask(call, { path: whole, headers, ...(body ? { body } : {}) });
}
