import type { ChannelNews, ProviderError, ProviderErrorCode } from '../provider.ts';
import { disconnected, isReachOutLock, restricted } from '../whatsapp-web.ts';
import {
  type Answer,
  isObject,
  type Json,
  objectAt,
  providerError,
  readJson,
  refusing,
  scrub,
  slowDown,
  stringOf,
} from '../wire.ts';

export const provider_name = 'waha';

/** What an answer that is no 2xx means. `doubtful`: it does not say that nothing was sent. */
export type WahaFault =
  | { kind: 'refused'; error: ProviderError; channel?: ChannelNews }
  | { kind: 'unavailable'; error: ProviderError; retry_after_ms: number | null; channel?: ChannelNews }
  | { kind: 'doubtful'; message: string };

/** Reads WAHA's envelopes; of a 500 only the exception, because it repeats the request whole beside it. */
export function readFault(answer: Answer, secrets: string[]): WahaFault {
  const parsed = readJson(answer.body);
  const body: Json = isObject(parsed) ? parsed : {};
  const message = scrub(textsIn(body).join('; '), secrets);
  const said = { code: String(answer.status), message: message || null };
  const refuse = refusing(provider_name, said);

  if (answer.status === 401) return refuse('channel_credentials_invalid', disconnected('the API key is not accepted'));
  if (answer.status === 429) return slowDown(provider_name, answer, said.message);
  if (isReachOutLock(message)) return refuse('channel_restricted_for_new_chats', restricted(message));
  if (answer.status === 422 && typeof body.status === 'string' && Array.isArray(body.expected)) {
    const error = providerError(provider_name, 'provider_unavailable', said);
    return { kind: 'unavailable', error, retry_after_ms: null, channel: newsOf(body.status) };
  }
  if (/session .*(does not exist|not found)/i.test(message) && (answer.status === 404 || answer.status === 422)) {
    return refuse('channel_not_found_at_provider', disconnected('the session does not exist'));
  }
  const code = body.statusCode === answer.status ? judgeFramework(answer.status, message) : null;
  if (code !== null) return refuse(code);
  return { kind: 'doubtful', message: `HTTP ${answer.status}${message === '' ? '' : `: ${message}`}` };
}

/** The framework's own answers, before anything of WAHA's has run; null for what may come from behind. */
function judgeFramework(status: number, message: string): ProviderErrorCode | null {
  switch (status) {
    case 403:
      return 'channel_permission_missing';
    case 404:
      return /^Cannot (GET|POST) /.test(message) ? 'channel_not_found_at_provider' : null;
    case 400:
    case 422:
      return 'message_invalid';
    default:
      return null;
  }
}

/** What a session's status says of the channel. `data` is what newer versions add to it: the locks on new chats. */
export function newsOf(status: unknown, data?: unknown): ChannelNews {
  switch (status) {
    case 'WORKING':
      return lockIn(data) ?? { status: 'connected', detail: null };
    case 'STARTING':
      return { status: 'connecting', detail: null };
    case 'STOPPED':
    case 'FAILED':
    case 'SCAN_QR_CODE':
    case 'PASSKEY_REQUIRED':
    case 'PASSKEY_CONFIRMATION_REQUIRED':
      return disconnected(status);
    default:
      return { status: 'unknown', detail: stringOf(status, 64) ?? 'no status' };
  }
}

function lockIn(data: unknown): ChannelNews | null {
  const lock = objectAt(data, 'reachoutTimelock');
  if (lock.isActive === true) return restricted(`reach-out time-lock${untilOf(lock.timeEnforcementEnds)}`);
  const capping = objectAt(data, 'messageCapping');
  if (capping.cappingStatus === 'CAPPED') return restricted(`quota of new chats used up${untilOf(capping.cycleEnd)}`);
  return null;
}

function untilOf(seconds: unknown): string {
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds < 1e11)) return '';
  return ` until ${new Date(seconds * 1_000).toISOString()}`;
}

function textsIn(body: Json): string[] {
  const nested = objectAt(body, 'exception').message;
  const told = Array.isArray(body.message) ? body.message : [nested ?? body.message ?? body.error];
  return told.filter((text): text is string => typeof text === 'string');
}
