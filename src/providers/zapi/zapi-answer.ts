import type { ChannelNews, ProviderError } from '../provider.ts';
import { disconnected, isReachOutLock, restricted } from '../whatsapp-web.ts';
import { type Answer, isObject, providerError, readJson, refusing, scrub, slowDown, textOf } from '../wire.ts';

export const provider_name = 'zapi';

/** What an answer means that is no success, whatever its status says. `doubtful`: it does not say that nothing was taken. */
export type ZapiFault =
  | { kind: 'refused'; error: ProviderError; channel?: ChannelNews }
  | { kind: 'unavailable'; error: ProviderError; retry_after_ms: number | null; channel?: ChannelNews }
  | { kind: 'doubtful'; message: string };

/** The text of `error`, which Z-API also sends with 200; null for none. */
export function errorIn(body: unknown): string | null {
  if (!isObject(body)) return null;
  const { error } = body;
  return isObject(error) ? textOf(error.message) : textOf(error);
}

/** Reads `{error, message?}` of any status. Z-API repeats tokens and addresses in it. */
export function readFault(answer: Answer, secrets: string[]): ZapiFault {
  const body = readJson(answer.body);
  const texts = [errorIn(body), isObject(body) ? textOf(body.message) : null].filter((text) => text !== null);
  const raw = texts.join(': ');
  const message = scrub(raw, secrets);
  const said = { code: String(answer.status), message: message || null };
  const refuse = refusing(provider_name, said);

  if (answer.status === 429) return slowDown(provider_name, answer, said.message);
  // `[203.0.113.7] not allowed`: the account names the addresses that may call. Before the token, which is told alike.
  if (/^\[[\d.:a-f]+\] not allowed/i.test(raw)) return refuse('channel_permission_missing');
  if (answer.status === 401 || /^\S+ not allowed|client-token|unauthorized/i.test(raw)) {
    return refuse('channel_credentials_invalid', disconnected('a token is not accepted'));
  }
  if (/instance not found|instance (does not|doesn't) exist/i.test(raw)) {
    return refuse('channel_not_found_at_provider', disconnected('the instance does not exist'));
  }
  // The router's own answer: no such path, so nothing of the message was looked at.
  if (/unable to find matching target resource/i.test(raw)) return refuse('channel_not_found_at_provider');
  if (isReachOutLock(message)) return refuse('channel_restricted_for_new_chats', restricted(message));
  if (isAbsent(raw)) return refuse('recipient_not_on_whatsapp');
  // Wrong method, wrong content type: nothing of the message was looked at.
  if (answer.status === 405 || answer.status === 415) return refuse('provider_refused');
  if (/not connected|disconnected|need to be connected/i.test(raw)) {
    const error = providerError(provider_name, 'provider_unavailable', said);
    return { kind: 'unavailable', error, retry_after_ms: null, channel: disconnected(message) };
  }
  return { kind: 'doubtful', message: `HTTP ${answer.status}${message === '' ? '' : `: ${message}`}` };
}

/** Z-API's sentences for a number without WhatsApp. */
export function isAbsent(text: string): boolean {
  return /phone number does not exist|invalid phone number/i.test(text);
}
