import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { InboundBody } from '../inbound.ts';

/**
 * `X-Hub-Signature-256` is HMAC-SHA256 of the raw bytes with the app's secret. During a rotation the previous secret is as good.
 * Timing-safe; without a secret nothing is signed.
 */
export function isSigned({ raw, headers }: InboundBody, credentials: Record<string, string>): boolean {
  const header = headers['x-hub-signature-256'];
  const [, hex] = (typeof header === 'string' && /^sha256=([0-9a-f]{64})$/.exec(header)) || [];
  if (hex === undefined) return false;
  const given = Buffer.from(hex, 'hex');
  const secrets = [credentials.app_secret, credentials.previous_app_secret].filter((secret) => secret);
  const right = secrets.map((secret) => timingSafeEqual(createHmac('sha256', `${secret}`).update(raw).digest(), given));
  return right.includes(true);
}

/** `hub.challenge` for a subscription with this token (timing-safe), else null; the query's names have dots in them. */
export function answerHandshake(query: Record<string, unknown>, verify_token: string): string | null {
  const { 'hub.mode': mode, 'hub.verify_token': token, 'hub.challenge': challenge } = query;
  if (mode !== 'subscribe' || typeof token !== 'string' || typeof challenge !== 'string') return null;
  if (verify_token === '' || !timingSafeEqual(digest(token), digest(verify_token))) return null;
  // It is repeated to whoever asks: nothing but a short printable word.
  return /^[\x21-\x7e]{1,256}$/.test(challenge) ? challenge : null;
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
