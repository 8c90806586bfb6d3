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
import { addressOf, deriveMessageId, digitsOf, lidDigitsOf, messageIdOf } from '../whatsapp-web.ts';
import {
  ambiguous,
  ask,
  isObject,
  type Json,
  objectAt,
  providerError,
  readJson,
  secretsOf,
  transportError,
  withoutAnswer,
} from '../wire.ts';
import { newsOf, provider_name, readFault } from './waha-answer.ts';
import { waha_inbound } from './waha-inbound.ts';

const secret = { minLength: 1, maxLength: 512, pattern: '^[\\x21-\\x7e]+$' };
const credentials = Type.Object(
  {
    api_key: Type.String({ ...secret, description: 'The key of the server (`WAHA_API_KEY`), or one of the session.' }),
    session: Type.String({
      minLength: 1,
      maxLength: 128,
      pattern: '^[A-Za-z0-9_-]+$',
      description: 'Name of the session as WAHA lists it.',
    }),
    hmac_key: Type.Optional(
      Type.String({
        ...secret,
        description: "The key of the session's webhook (`hmac.key`): with it a call without its signature is refused.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** WAHA: a gateway that drives WhatsApp Web. Its engines NOWEB and GOWS take the message id from us; the others overlook it. */
export const waha = {
  name: provider_name,
  type: 'unofficial',
  credentials,
  default_max_per_second: 1,
  capabilities: {
    requires_template: false,
    opens_without_message: true,
    checks_number: true,
    chooses_message_id: true,
    reports_status: true,
  },
  send,
  chosenId,
  checkChannel,
  checkNumber,
  inbound: waha_inbound,
} satisfies Provider;

async function send(call: ProviderCall, message: OutboundMessage): Promise<SendOutcome> {
  const { to, content, correlator } = message;
  const chatId = chatIdOf(to);
  if (chatId === null) return { kind: 'refused', error: providerError(provider_name, 'recipient_address_invalid') };
  if (content.type !== 'text') return { kind: 'refused', error: providerError(provider_name, 'message_invalid') };
  const { session = '' } = call.credentials;
  const id = idFor(correlator);
  const body = { session, chatId, text: content.text, linkPreview: false, id };
  const outcome = await askServer(call, '/api/sendText', body);
  return named(id, readSend(call, message, outcome));
}

/** A doubt is known by the id that we chose. */
function named(provider_message_id: string, sent: SendOutcome): SendOutcome {
  return sent.kind === 'ambiguous' ? { ...sent, provider_message_id } : sent;
}

function readSend(call: ProviderCall, message: OutboundMessage, outcome: HttpOutcome): SendOutcome {
  if (outcome.kind !== 'answered') return withoutAnswer(provider_name, outcome);
  if (outcome.status >= 200 && outcome.status < 300) return readAccepted(outcome.body);
  const fault = readFault(outcome, secretsOf(call, message));
  return fault.kind === 'doubtful' ? ambiguous(provider_name, fault.message, String(outcome.status)) : fault;
}

/** The same for every attempt of a message, so that WhatsApp drops a repeat; other correlators than ours are taken whole. */
function idFor(correlator: string): string {
  const [, message] = /^cv1\.([A-Za-z0-9_-]{22})\./.exec(correlator) ?? [];
  return deriveMessageId(message ?? correlator);
}

/** That of `idFor`, of a message whose correlator nobody has any more. */
function chosenId(message_id: string): string {
  return deriveMessageId(Buffer.from(message_id.replaceAll('-', ''), 'hex').toString('base64url'));
}

function chatIdOf(to: Address): string | null {
  const lid = lidDigitsOf(to);
  if (lid !== null) return `${lid}@lid`;
  const digits = digitsOf(to);
  return digits === null ? null : `${digits}@c.us`;
}

/** The id stands in `id` (WEBJS, WPP), `id._serialized`, or `key.id` (NOWEB's raw object), by engine and version. */
function readAccepted(text: string): SendOutcome {
  const body = readJson(text);
  const key = objectAt(body, 'key');
  const found = (isObject(body) && messageIdOf(body.id)) || messageIdOf(key.id);
  if (!found) return ambiguous(provider_name, 'a 2xx without a message id');
  const address = addressOf(found.chat) ?? addressOf(key.remoteJid) ?? (isObject(body) ? addressOf(body.to) : null);
  return { kind: 'accepted', provider_message_id: found.id, held: false, identities: address ? [address] : [] };
}

/** The address that WhatsApp has for a number, its ninth digit resolved. Nothing is sent to the contact. */
async function checkNumber(call: ProviderCall, phone: string): Promise<NumberCheck> {
  const { session = '' } = call.credentials;
  const query = new URLSearchParams({ phone: phone.replace(/\D/g, ''), session });
  const outcome = await askServer(call, `/api/contacts/check-exists?${query}`);
  if (outcome.kind !== 'answered') {
    return { kind: 'unavailable', error: transportError(provider_name, outcome), retry_after_ms: null };
  }
  if (outcome.status >= 200 && outcome.status < 300) return readNumberCheck(readJson(outcome.body));
  const fault = readFault(outcome, [...secretsOf(call), phone]);
  if (fault.kind === 'unavailable') return fault;
  if (fault.kind === 'doubtful') return unsaid(fault.message, String(outcome.status));
  const news = fault.channel ? { channel: fault.channel } : {};
  return { kind: 'unavailable', error: fault.error, retry_after_ms: null, ...news };
}

function readNumberCheck(body: unknown): NumberCheck {
  const found = isObject(body) ? body : {};
  if (found.numberExists === false) {
    const error = providerError(provider_name, 'recipient_not_on_whatsapp', { message: 'numberExists: false' });
    return { kind: 'absent', error };
  }
  const address = found.numberExists === true ? addressOf(found.chatId) : null;
  if (!address) return unsaid('an answer without numberExists or chatId');
  return { kind: 'exists', address, identities: [address] };
}

function unsaid(message: string, code: string | null = null): NumberCheck {
  const error = providerError(provider_name, 'provider_unavailable', { code, message });
  return { kind: 'unavailable', error, retry_after_ms: null };
}

async function checkChannel(call: ProviderCall): Promise<ChannelNews> {
  const { session = '' } = call.credentials;
  const outcome = await askServer(call, `/api/sessions/${encodeURIComponent(session)}`);
  if (outcome.kind !== 'answered') return { status: 'unknown', detail: `${outcome.reason}: ${outcome.detail}` };
  if (outcome.status >= 200 && outcome.status < 300) {
    const body = readJson(outcome.body);
    return isObject(body) ? newsOf(body.status, body.data) : { status: 'unknown', detail: 'an answer without status' };
  }
  // Here, unlike in a send, a 404 can only be about the session.
  if (outcome.status === 404 && isObject(readJson(outcome.body))) {
    return { status: 'disconnected', detail: 'the session does not exist' };
  }
  const fault = readFault(outcome, secretsOf(call));
  if (fault.kind === 'doubtful') return { status: 'unknown', detail: fault.message };
  return fault.channel ?? { status: 'unknown', detail: fault.error.provider.message ?? `HTTP ${outcome.status}` };
}

function askServer(call: ProviderCall, path: string, body?: Json): Promise<HttpOutcome> {
  const { api_key = '' } = call.credentials;
  return ask(call, { path, headers: { 'x-api-key': api_key }, ...(body ? { body } : {}) });
}
