import { randomInt } from 'node:crypto';
import type { GraphRefusal } from './graph-errors.ts';
import { isMembers, type Members } from './json.ts';
import { isCallable, type Targets } from './webhook-targets.ts';
import type { Webhooks } from './webhooks.ts';

const max_url_length = 200;
const app_id = '300000000000001';

/**
 * Takes `override_callback_uri` and `verify_token` of a business account or a phone number, after the handshake with that
 * address; without an address what was registered is taken away.
 */
export async function subscribe(
  webhooks: Webhooks,
  kind: 'account' | 'phone',
  id: string,
  body: unknown,
): Promise<{ success: true } | GraphRefusal> {
  const { override_callback_uri: url, verify_token } = isMembers(body) ? body : {};
  if (url === undefined || url === '') {
    webhooks.targets.set(kind, id, null);
    return { success: true };
  }
  if (!isCallable(url, max_url_length)) {
    const message = '(#100) override_callback_uri should represent a valid URL of at most 200 characters';
    return { error: 'invalid_parameter', message };
  }
  if (typeof verify_token !== 'string' || verify_token === '' || verify_token.length > 500) {
    return { error: 'invalid_parameter', message: '(#100) The parameter verify_token is required.' };
  }
  const fault = await shakeHands(webhooks, url, verify_token);
  if (fault !== null) {
    const message = `(#2200) Callback verification failed with the following errors: ${fault}`;
    return { error: 'callback_failed', message };
  }
  webhooks.targets.set(kind, id, { url, headers: {}, events: null, by_events: false });
  return { success: true };
}

/** Null: the challenge came back. */
async function shakeHands(webhooks: Webhooks, url: string, verify_token: string): Promise<string | null> {
  const challenge = String(randomInt(1_000_000_000, 2_000_000_000));
  const target = new URL(url);
  target.searchParams.set('hub.mode', 'subscribe');
  target.searchParams.set('hub.challenge', challenge);
  target.searchParams.set('hub.verify_token', verify_token);
  const { status, text, error } = await webhooks.shakeHands(target.href);
  if (status === null) return `The callback could not be reached: ${error}`;
  if (status !== 200) return `HTTP Status Code = ${status}`;
  return text === challenge ? null : 'The challenge did not come back.';
}

/** What `GET /{waba_id}/subscribed_apps` answers. */
export function listSubscriptions(targets: Targets, waba_id: string): Members {
  const target = targets.get('account', waba_id);
  if (!target) return { data: [] };
  const whatsapp_business_api_data = {
    id: app_id,
    name: 'Conversar',
    link: `https://www.facebook.com/games/?app_id=${app_id}`,
  };
  return { data: [{ whatsapp_business_api_data, override_callback_uri: target.url }] };
}
