import type { ChannelNews, ProviderError } from '../provider.ts';
import { disconnected, isReachOutLock, restricted } from '../whatsapp-web.ts';
import { type Answer, isObject, objectAt, readJson, refusing, scrub, slowDown, textOf } from '../wire.ts';

export const provider_name = 'wppconnect';

/** What an answer that is no 2xx means. `doubtful`: it does not say that nothing was sent. */
export type WppconnectFault =
  | { kind: 'refused'; error: ProviderError; channel?: ChannelNews }
  | { kind: 'unavailable'; error: ProviderError; retry_after_ms: number | null }
  | { kind: 'doubtful'; message: string; channel?: ChannelNews };

/**
 * Reads `{status, message, error}`. The server answers 400 (no such number) and 404 (session not active) and goes on to send
 * all the same, so neither is a refusal; only what comes before that, the token and the router, is.
 */
export function readFault(answer: Answer, secrets: string[]): WppconnectFault {
  const body = readJson(answer.body);
  const message = scrub(textsIn(body).join('; '), secrets);
  const said = { code: String(answer.status), message: message || null };
  const refuse = refusing(provider_name, said);

  if (answer.status === 401) return refuse('channel_credentials_invalid', disconnected('the token is not accepted'));
  if (answer.status === 429) return slowDown(provider_name, answer, said.message);
  if (answer.status === 404 && /Cannot (GET|POST) \/api\//.test(answer.body.slice(0, 2_000))) {
    return refuse('channel_not_found_at_provider');
  }
  if (isReachOutLock(message)) return refuse('channel_restricted_for_new_chats', restricted(message));
  const doubt = `HTTP ${answer.status}${message === '' ? '' : `: ${message}`}`;
  const is_down = isObject(body) && body.status === 'Disconnected';
  return {
    kind: 'doubtful',
    message: doubt,
    ...(is_down ? { channel: disconnected('the session is not active') } : {}),
  };
}

function textsIn(body: unknown): string[] {
  if (!isObject(body)) return [];
  const { message, error } = body;
  const nested = [objectAt(body, 'error').message, objectAt(body, 'response').message];
  return [message, error, ...nested].flatMap((text) => textOf(text) ?? []);
}
