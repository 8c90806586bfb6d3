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
import { addressOf, digitsOf, disconnected, lidDigitsOf, messageIdOf } from '../whatsapp-web.ts';
import {
  ambiguous,
  ask,
  isObject,
  type Json,
  objectAt,
  providerError,
  readJson,
  secretsOf,
  stringOf,
  transportError,
  withoutAnswer,
} from '../wire.ts';
import { provider_name, readFault, type WppconnectFault } from './wppconnect-answer.ts';
import { wppconnect_inbound } from './wppconnect-inbound.ts';

const credentials = Type.Object(
  {
    session: Type.String({
      minLength: 1,
      maxLength: 128,
      pattern: '^[A-Za-z0-9_-]+$',
      description: 'Name of the session.',
    }),
    token: Type.String({
      minLength: 1,
      maxLength: 512,
      pattern: '^[\\x21-\\x7e]+$',
      description: "The session's token, as `generate-token` gave it; not the server's secret key.",
    }),
  },
  { additionalProperties: false },
);

/** More digits than these are taken for a LID, whatever the request says. */
const max_phone_digits = 14;

/** WPPConnect server: a gateway that drives WhatsApp Web in a browser. */
export const wppconnect = {
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
  inbound: wppconnect_inbound,
} satisfies Provider;

/**
 * Asks whether the session is connected, then sends: the server's own refusals prove nothing (see readFault), so what can be
 * known is asked before. That the number exists is known from `checkNumber`, without which a phone is not sent to.
 */
async function send(call: ProviderCall, message: OutboundMessage): Promise<SendOutcome> {
  const { to, content } = message;
  const target = targetOf(to);
  if (target === null) return { kind: 'refused', error: providerError(provider_name, 'recipient_address_invalid') };
  if (content.type !== 'text') return { kind: 'refused', error: providerError(provider_name, 'message_invalid') };
  const started_at = performance.now();
  const barred = await findBar(call, message);
  if (barred) return barred;
  const timeout_ms = Math.max(1, Math.round(call.timeout_ms - (performance.now() - started_at)));
  const body = { ...target, isGroup: false, isNewsletter: false, message: content.text, options: {} };
  const outcome = await askSession({ ...call, timeout_ms }, '/send-message', body);
  if (outcome.kind !== 'answered') return withoutAnswer(provider_name, outcome);
  if (outcome.status >= 200 && outcome.status < 300) return readAccepted(outcome.body);
  const fault = readFault(outcome, secretsOf(call, message));
  if (fault.kind !== 'doubtful') return fault;
  const doubt = ambiguous(provider_name, fault.message, String(outcome.status));
  return fault.channel ? { ...doubt, channel: fault.channel } : doubt;
}

/** A list of numbers is one string with commas for the server: nothing but digits may pass. */
function targetOf(to: Address): { phone: string; isLid: boolean } | null {
  const lid = lidDigitsOf(to);
  if (lid !== null) return { phone: lid, isLid: true };
  const phone = digitsOf(to, max_phone_digits);
  return phone === null ? null : { phone, isLid: false };
}

/** Why nothing may be handed over now; null when the session is connected. Both calls share one timeout. */
async function findBar(call: ProviderCall, message: OutboundMessage): Promise<SendOutcome | null> {
  const timeout_ms = Math.ceil(call.timeout_ms / 2);
  const outcome = await askSession({ ...call, timeout_ms }, '/check-connection-session');
  if (outcome.kind === 'not_sent') return withoutAnswer(provider_name, outcome);
  if (outcome.kind === 'unanswered') {
    return { kind: 'unavailable', error: transportError(provider_name, outcome), retry_after_ms: null };
  }
  const body = readJson(outcome.body);
  if (outcome.status < 300 && isObject(body) && typeof body.status === 'boolean') {
    if (body.status) return null;
    const channel = disconnected('the session is not connected');
    const error = providerError(provider_name, 'provider_unavailable', { message: channel.detail });
    return { kind: 'unavailable', error, retry_after_ms: null, channel };
  }
  return fromQuestion(readFault(outcome, secretsOf(call, message)), outcome.status);
}

/** A question sends nothing, so a doubtful answer to it is no doubt about the message. */
function fromQuestion(fault: WppconnectFault, status: number): Exclude<SendOutcome, { kind: 'accepted' }> {
  if (fault.kind !== 'doubtful') return fault;
  const error = providerError(provider_name, 'provider_unavailable', { code: String(status), message: fault.message });
  return { kind: 'unavailable', error, retry_after_ms: null, ...(fault.channel ? { channel: fault.channel } : {}) };
}

/** `response` is a list of one message, in some versions the message; its id a string or an object. */
function readAccepted(text: string): SendOutcome {
  const body = readJson(text);
  const response = isObject(body) ? body.response : undefined;
  const [sent] = Array.isArray(response) ? response : [response];
  const found = isObject(sent) ? messageIdOf(sent.id) : null;
  if (!found) return ambiguous(provider_name, 'a 2xx without a message id');
  const address = addressOf(found.chat) ?? (isObject(sent) ? addressOf(sent.to) : null);
  return { kind: 'accepted', provider_message_id: found.id, held: false, identities: address ? [address] : [] };
}

/** The address that WhatsApp has for a number, its ninth digit resolved. Nothing is sent to the contact. */
async function checkNumber(call: ProviderCall, phone: string): Promise<NumberCheck> {
  const outcome = await askSession(call, `/check-number-status/${phone.replace(/\D/g, '')}`);
  if (outcome.kind !== 'answered') {
    return { kind: 'unavailable', error: transportError(provider_name, outcome), retry_after_ms: null };
  }
  if (outcome.status >= 200 && outcome.status < 300) return readNumberCheck(readJson(outcome.body));
  const fault = readFault(outcome, [...secretsOf(call), phone]);
  if (fault.kind === 'unavailable') return fault;
  const news = fault.channel ? { channel: fault.channel } : {};
  if (fault.kind === 'refused') return { kind: 'unavailable', error: fault.error, retry_after_ms: null, ...news };
  const said = { code: String(outcome.status), message: fault.message };
  const error = providerError(provider_name, 'provider_unavailable', said);
  return { kind: 'unavailable', error, retry_after_ms: null, ...news };
}

function readNumberCheck(body: unknown): NumberCheck {
  const found = objectAt(body, 'response');
  if (found.numberExists === false) {
    const error = providerError(provider_name, 'recipient_not_on_whatsapp', { message: 'numberExists: false' });
    return { kind: 'absent', error };
  }
  const address = found.numberExists === true ? addressOf(found.id) : null;
  if (!address) {
    const error = providerError(provider_name, 'provider_unavailable', { message: 'an answer without numberExists' });
    return { kind: 'unavailable', error, retry_after_ms: null };
  }
  const lid = addressOf(found.lid);
  return { kind: 'exists', address, identities: lid && lid.value !== address.value ? [address, lid] : [address] };
}

async function checkChannel(call: ProviderCall): Promise<ChannelNews> {
  const outcome = await askSession(call, '/status-session');
  if (outcome.kind !== 'answered') return { status: 'unknown', detail: `${outcome.reason}: ${outcome.detail}` };
  if (outcome.status >= 200 && outcome.status < 300) {
    const body = readJson(outcome.body);
    if (!isObject(body) || !('status' in body)) return { status: 'unknown', detail: 'an answer without status' };
    return newsOf(body.status);
  }
  const fault = readFault(outcome, secretsOf(call));
  if (fault.kind === 'unavailable') return { status: 'unknown', detail: 'HTTP 429' };
  if (fault.channel) return fault.channel;
  const detail = fault.kind === 'refused' ? fault.error.provider.message : fault.message;
  return { status: 'unknown', detail };
}

/** Null where nobody has started the session since the server did. */
function newsOf(status: unknown): ChannelNews {
  switch (status) {
    case 'CONNECTED':
      return { status: 'connected', detail: null };
    case 'INITIALIZING':
      return { status: 'connecting', detail: status };
    case null:
      return disconnected('the session is not started');
    case 'CLOSED':
    case 'QRCODE':
    case 'PHONECODE':
      return disconnected(status);
    default:
      return { status: 'unknown', detail: stringOf(status, 64) ?? 'no status' };
  }
}

function askSession(call: ProviderCall, path: string, body?: Json): Promise<HttpOutcome> {
  const { session = '', token = '' } = call.credentials;
  const whole = `/api/${encodeURIComponent(session)}${path}`;
  return ask(call, { path: whole, headers: { authorization: `Bearer ${token}` }, ...(body ? { body } : {}) });
}
