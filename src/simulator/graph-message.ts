import type { GraphRefusal } from './graph-errors.ts';
import { refusalOfTemplate } from './graph-template.ts';
import { isMembers, type Members } from './json.ts';
import { digitsOf, waIdOf } from './whatsapp-number.ts';

interface GraphAddress {
  /** As the request wrote it. */
  to: string;
  /** Null for a business-scoped user id. */
  wa_id: string | null;
  user_id: string | null;
  /** A user id in `to`: Graph answers 200 and the message vanishes without a word. */
  vanishes: boolean;
}

export interface GraphMessage {
  address: GraphAddress;
  type: string;
  text?: string;
  template?: { name: string; language: string; components: unknown };
  correlator: string | null;
}

/** `message` of an invalid request holds what was understood of it; undefined when not even a recipient was. */
type ReadMessage =
  | { kind: 'message'; message: GraphMessage }
  | { kind: 'read_receipt' }
  | { kind: 'invalid'; refusal: GraphRefusal; message?: GraphMessage };

const message_types = [
  'audio',
  'contacts',
  'document',
  'image',
  'interactive',
  'location',
  'reaction',
  'sticker',
  'template',
  'text',
  'video',
];
const user_id_pattern = /^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$/;

/** Reads the body of a send as Graph does, first fault first; text and templates are checked through, other types by name only. */
export function readGraphMessage(body: unknown, version: string): ReadMessage {
  if (!isMembers(body)) return invalid({ error: 'invalid_parameter', details: 'The body must be a JSON object.' });
  if (body.messaging_product !== 'whatsapp') {
    return invalid({ error: 'invalid_parameter', message: '(#100) The parameter messaging_product is required.' });
  }
  if (body.status === 'read' && typeof body.message_id === 'string') return { kind: 'read_receipt' };
  const address = readAddress(body);
  if ('error' in address) return invalid(address);

  const type = body.type ?? 'text';
  const message: GraphMessage = {
    address,
    type: String(type),
    ...contentOf(body),
    correlator: typeof body.biz_opaque_callback_data === 'string' ? body.biz_opaque_callback_data : null,
  };
  const refusal = refusalOfCommon(body, type) ?? refusalOfContent(body, message, version);
  return refusal ? invalid(refusal, message) : { kind: 'message', message };
}

function readAddress(body: Members): GraphAddress | GraphRefusal {
  if (typeof body.to === 'string' && body.to !== '') return addressOfPhone(body.to);
  if (body.to !== undefined && body.to !== '') {
    return { error: 'invalid_parameter', message: '(#100) Param to must be a string.' };
  }
  if (typeof body.recipient !== 'string' || body.recipient === '') {
    return { error: 'invalid_parameter', message: '(#100) The parameter to is required.' };
  }
  if (!user_id_pattern.test(body.recipient)) {
    return { error: 'parameter_value_invalid', details: 'recipient is not a business-scoped user id' };
  }
  return { to: body.recipient, wa_id: null, user_id: body.recipient, vanishes: false };
}

function addressOfPhone(to: string): GraphAddress | GraphRefusal {
  if (user_id_pattern.test(to)) return { to, wa_id: null, user_id: to, vanishes: true };
  const digits = digitsOf(to);
  if (!/^[\d\s()+-]+$/.test(to) || digits.length < 7 || digits.length > 15) {
    return { error: 'parameter_value_invalid', details: 'to is not a valid phone number' };
  }
  return { to, wa_id: waIdOf(digits), user_id: null, vanishes: false };
}

function refusalOfCommon(body: Members, type: unknown): GraphRefusal | null {
  if (body.recipient_type !== undefined && body.recipient_type !== 'individual') {
    return { error: 'invalid_parameter', message: '(#100) Param recipient_type must be one of {INDIVIDUAL}.' };
  }
  if (typeof type !== 'string' || !message_types.includes(type.toLowerCase())) {
    const names = message_types.map((name) => name.toUpperCase()).join(', ');
    return { error: 'invalid_parameter', message: `(#100) Param type must be one of {${names}}.` };
  }
  const correlator = body.biz_opaque_callback_data;
  if (correlator !== undefined && (typeof correlator !== 'string' || [...correlator].length > 512)) {
    const message = '(#100) Param biz_opaque_callback_data must be at most 512 characters long.';
    return { error: 'invalid_parameter', message };
  }
  return null;
}

function refusalOfContent(body: Members, message: GraphMessage, version: string): GraphRefusal | null {
  const type = message.type.toLowerCase();
  if (type === 'template') return refusalOfTemplate(body.template, version);
  if (type !== 'text') {
    return isMembers(body[type]) || Array.isArray(body[type])
      ? null
      : { error: 'invalid_parameter', message: `(#100) The parameter ${type} is required.` };
  }
  if (!isMembers(body.text) || typeof body.text.body !== 'string' || body.text.body === '') {
    return { error: 'invalid_parameter', message: "(#100) The parameter text['body'] is required." };
  }
  if ([...body.text.body].length > 4096) {
    return {
      error: 'invalid_parameter',
      message: "(#100) Param text['body'] must be at most 4096 characters long.",
    };
  }
  return null;
}

/** For `GET /_received`, so it keeps what can be read of a malformed content too. */
function contentOf(body: Members): Pick<GraphMessage, 'text' | 'template'> {
  if (isMembers(body.text) && typeof body.text.body === 'string') return { text: body.text.body };
  if (!isMembers(body.template)) return {};
  const { name, language, components } = body.template;
  const code = isMembers(language) ? language.code : undefined;
  return { template: { name: String(name), language: String(code), components: components ?? [] } };
}

function invalid(refusal: GraphRefusal, message?: GraphMessage): ReadMessage {
  return message ? { kind: 'invalid', refusal, message } : { kind: 'invalid', refusal };
}
