import type { HttpOutcome } from '../outbound/outbound.ts';
import { readRetryAfter } from '../outbound/retry-after.ts';
import type {
  ChannelNews,
  OutboundMessage,
  ProviderCall,
  ProviderError,
  ProviderErrorCode,
  SendOutcome,
} from './provider.ts';

/** What every provider's folder shares: asking, reading what came, and telling it without secrets. */

export type Unanswered = Exclude<HttpOutcome, { kind: 'answered' }>;
export type Answer = Extract<HttpOutcome, { kind: 'answered' }>;
export type Json = Record<string, unknown>;
/** A provider's own words on a failure. */
interface Said {
  code?: string | null;
  message?: string | null;
  trace_id?: string | null;
}

const max_message_length = 300;
/** Before secrets are looked for: the patterns are not linear in what a hostile gateway may send. */
const max_quoted_length = 2_000;
const max_code_length = 64;
const max_retry_after_ms = 3_600_000;
/** A quoted text is often cut by who quotes it: from this many equal characters on, the rest is dropped too. */
const quoted_prefix_length = 20;

/** Asks the channel's provider; `path` starts with `/`, its segments are already encoded. Never throws. */
export function ask(
  call: ProviderCall,
  request: { path: string; headers: Record<string, string>; body?: Json; max_response_bytes?: number },
): Promise<HttpOutcome> {
  const { path, headers, body, max_response_bytes } = request;
  return call.http({
    method: body ? 'POST' : 'GET',
    url: `${call.base_url.replace(/\/+$/, '')}${path}`,
    headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
    ...(max_response_bytes ? { max_response_bytes } : {}),
    timeout_ms: call.timeout_ms,
    signal: call.signal,
  });
}

/** The JSON value in a body, undefined when it is none (an error page, a cut answer). */
export function readJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member as an object, or an empty one: what providers leave out is asked for like what they send. */
export function objectAt(value: unknown, key: string | number): Json {
  const member = (isObject(value) || Array.isArray(value)) && (value as Json)[key];
  return isObject(member) ? member : {};
}

/** A string with something in it, of a credible length, and one that a database keeps; else null. */
export function stringOf(value: unknown, max_length = 512): string | null {
  if (typeof value !== 'string' || value.length === 0 || value.length > max_length) return null;
  return value === storable(value) ? value : null;
}

/** PostgreSQL keeps neither NUL nor half a character, which a cut may leave: an outcome must not be lost for its words. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '').toWellFormed();
}

/** A send that got no answer: surely not sent is `unavailable`, or `refused` where no repeat can help; else `ambiguous`. */
export function withoutAnswer(provider: string, outcome: Unanswered): SendOutcome {
  const error = transportError(provider, outcome);
  if (outcome.kind === 'unanswered') return { kind: 'ambiguous', error: { ...error, code: 'provider_answer_lost' } };
  if (error.code === 'channel_url_not_allowed') return { kind: 'refused', error };
  return { kind: 'unavailable', error, retry_after_ms: null };
}

/** The same for a question, which sends nothing to the contact. */
export function transportError(provider: string, outcome: Unanswered): ProviderError {
  const forbidden = outcome.reason === 'address_not_allowed' || outcome.reason === 'url_invalid';
  const message = `${outcome.reason}: ${outcome.detail}`;
  return providerError(provider, forbidden ? 'channel_url_not_allowed' : 'provider_unreachable', { message });
}

/** A 2xx without an id, an error page, a status nobody has defined: the message may have gone. */
export function ambiguous(provider: string, message: string, code: string | null = null): SendOutcome {
  return { kind: 'ambiguous', error: providerError(provider, 'provider_answer_lost', { message, code }) };
}

/** A 429: nothing was sent, and how long the provider asks us to wait, up to an hour. */
export function slowDown(provider: string, { headers }: Answer, message: string | null) {
  const advised_ms = readRetryAfter(headers['retry-after'], new Date());
  const retry_after_ms = advised_ms === null ? null : Math.min(advised_ms, max_retry_after_ms);
  const error = providerError(provider, 'provider_rate_limited', { code: '429', message });
  return { kind: 'unavailable' as const, error, retry_after_ms };
}

/** Makes refusals of what one answer said, each with what it tells of the channel. */
export function refusing(provider: string, said: Said) {
  return (code: ProviderErrorCode, channel?: ChannelNews) => ({
    kind: 'refused' as const,
    error: providerError(provider, code, said),
    ...(channel ? { channel } : {}),
  });
}

export function providerError(name: string, code: ProviderErrorCode, said: Said = {}): ProviderError {
  const provider_code = said.code ? storable(said.code.slice(0, max_code_length)) : null;
  const message = said.message ? storable(said.message) : null;
  const trace_id = said.trace_id && /^[\w-]{1,64}$/.test(said.trace_id) ? said.trace_id : null;
  return { code, provider: { name, code: provider_code, message, trace_id } };
}

/** The words that no outcome may repeat: credentials, what the message says, and whom it goes to. */
export function secretsOf(call: ProviderCall, message?: OutboundMessage): string[] {
  const secrets = Object.values(call.credentials);
  if (!message) return secrets;
  const { content, to } = message;
  if (content.type === 'text') return [...secrets, to.value, content.text];
  return [...secrets, to.value, ...content.slots.flatMap(({ value }) => textsIn(value))];
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** A provider's own words, shortened, with secrets and the recipient's digits replaced. */
export function scrub(text: string, secrets: string[]): string {
  let clean = text.slice(0, max_quoted_length);
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    for (const pattern of patternsOf(secret.trim())) clean = clean.replace(pattern, '[hidden]');
  }
  // Tokens that are not this channel's own (Graph quotes malformed ones), then what is too long to be read.
  return storable(clean.replace(/\bEAA[A-Za-z0-9]{16,}/g, '[hidden]').slice(0, max_message_length));
}

function patternsOf(secret: string): RegExp[] {
  if (secret === '') return [];
  const digits = /^\+?\d{8,}/.test(secret) ? secret.replace(/[@:].*$/, '').replace(/\D/g, '') : '';
  // Providers write a number with or without country code and ninth digit: its last eight digits are enough.
  const patterns = digits === '' ? [] : [new RegExp(`\\+?\\d*${digits.slice(-8)}(?!\\d)`, 'g')];
  const spellings = new Set([secret, JSON.stringify(secret).slice(1, -1), secret.replace(/\s+/g, ' ')]);
  for (const spelling of spellings) {
    if (spelling.length > quoted_prefix_length) {
      patterns.push(new RegExp(escapePattern(spelling), 'gi'));
      patterns.push(new RegExp(`${escapePattern(spelling.slice(0, quoted_prefix_length))}[^]*`, 'gi'));
    } else if (spelling.length >= 4) patterns.push(new RegExp(escapePattern(spelling), 'gi'));
    else patterns.push(new RegExp(`(?<![\\p{L}\\p{N}])${escapePattern(spelling)}(?![\\p{L}\\p{N}])`, 'giu'));
  }
  return patterns;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

const max_text_length = 65_536;
const max_kept_string_length = 8_192;
const max_kept_depth = 6;
const max_kept_values = 1_000;

/** The member as a list, or an empty one. */
export function listAt(value: unknown, key: string): unknown[] {
  const member = isObject(value) ? value[key] : undefined;
  return Array.isArray(member) ? member : [];
}

/** A person's words as a database keeps them, at most 65,536 characters; null for none. */
export function textOf(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  return storable(value.slice(0, max_text_length)) || null;
}

/** What a webhook tells of media, cards or orders, as a database keeps it: bounded in depth, number and length; null for nothing. */
export function keepable(value: unknown): Json | null {
  const budget = { left: max_kept_values };
  const kept = keep(value, max_kept_depth, budget);
  return isObject(kept) && Object.keys(kept).length > 0 ? kept : null;
}

function keep(value: unknown, depth: number, budget: { left: number }): unknown {
  budget.left -= 1;
  if (value === null || budget.left < 0) return undefined;
  if (typeof value === 'string') return storable(value.slice(0, max_kept_string_length)) || undefined;
  if (typeof value !== 'object') return value;
  if (depth === 0) return undefined;
  if (Array.isArray(value))
    return value.map((each) => keep(each, depth - 1, budget)).filter((each) => each !== undefined);
  const members = Object.entries(value).map(([name, member]) => [storable(name), keep(member, depth - 1, budget)]);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

/** A time since 1970 in seconds or in milliseconds, a number or digits; null where it is neither of 2001 to 2100. */
export function timeOf(value: unknown): Date | null {
  const number = typeof value === 'string' && /^\d{1,16}(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number') return null;
  const ms = number > 1e11 ? number : number * 1_000;
  return ms >= 1e12 && ms < 4.1e12 ? new Date(ms) : null;
}
