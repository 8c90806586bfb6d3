import { createHmac, timingSafeEqual } from 'node:crypto';
import type { InboundBody } from '../inbound.ts';

/**
 * `X-Webhook-Hmac` is HMAC-SHA512 of the raw bytes with the webhook's key, in hex; timing-safe. Null without a key. The time
 * of the call is not part of it, so a repeat is known by its message's id alone.
 */
export function isSigned({ raw, headers }: InboundBody, { hmac_key }: Record<string, string>): boolean | null {
  if (!hmac_key) return null;
  const header = headers['x-webhook-hmac'];
  if (typeof header !== 'string' || !/^[0-9a-f]{128}$/.test(header)) return false;
  return timingSafeEqual(createHmac('sha512', hmac_key).update(raw).digest(), Buffer.from(header, 'hex'));
}
