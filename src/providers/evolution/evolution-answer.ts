import type { ChannelNews, ProviderError } from '../provider.ts';
import { disconnected, isReachOutLock, restricted } from '../whatsapp-web.ts';
import { type Answer, isObject, objectAt, readJson, refusing, scrub, slowDown } from '../wire.ts';

export const provider_name = 'evolution';

/** What an answer that is no 2xx means. `doubtful`: it does not say that nothing was sent. */
export type EvolutionFault =
  | { kind: 'refused'; error: ProviderError; channel?: ChannelNews }
  | { kind: 'unavailable'; error: ProviderError; retry_after_ms: number | null }
  | { kind: 'doubtful'; message: string; channel?: ChannelNews };

/** Reads Evolution's error envelope `{status, error, response: {message}}`; `message` is a string, a list or lists. */
export function readFault(answer: Answer, secrets: string[]): EvolutionFault {
  const body = readJson(answer.body);
  const entries = messagesIn(body);
  const texts = entries.filter((entry): entry is string => typeof entry === 'string');
  const message = texts.length > 0 ? scrub(texts.join('; '), secrets) : '';
  const said = { code: String(answer.status), message: message || null };
  const refuse = refusing(provider_name, said);

  if (answer.status === 401) return refuse('channel_credentials_invalid', disconnected('the API key is not accepted'));
  if (answer.status === 429) return slowDown(provider_name, answer, said.message);
  if (entries.some((entry) => isObject(entry) && entry.exists === false)) return refuse('recipient_not_on_whatsapp');
  if (isReachOutLock(message)) return refuse('channel_restricted_for_new_chats', restricted(message));
  if (answer.status === 404 && texts.some((text) => /instance does not exist/i.test(text))) {
    return refuse('channel_not_found_at_provider', disconnected('the instance does not exist'));
  }
  // The router's own answer: no such path, so nothing of Evolution's has run.
  if (answer.status === 404 && texts.some((text) => /^Cannot (GET|POST) /.test(text))) {
    return refuse('channel_not_found_at_provider');
  }
  if (answer.status === 400 && isValidation(body, texts)) return refuse('message_invalid');
  const doubt = `HTTP ${answer.status}${message === '' ? '' : `: ${message}`}`;
  const is_down = /connection closed|not connected/i.test(message);
  return { kind: 'doubtful', message: doubt, ...(is_down ? { channel: disconnected(message) } : {}) };
}

/** Evolution nests its message; what a proxy or another build answers has it at the top. */
function messagesIn(body: unknown): unknown[] {
  const nested = objectAt(body, 'response').message;
  const message = nested ?? (isObject(body) ? (body.message ?? body.error) : undefined);
  return Array.isArray(message) ? message.flat(2) : [message];
}

/** The schema's complaints are lists in the list, or name the schema's words; what Baileys threw is neither. */
function isValidation(body: unknown, texts: string[]): boolean {
  const { message } = objectAt(body, 'response');
  if (texts.length === 0 || !Array.isArray(message)) return false;
  const nested = message.every((entry) => Array.isArray(entry));
  return (
    nested ||
    texts.every((text) => /requires property|is not of a type|is not allowed to have|is not one of/.test(text))
  );
}
