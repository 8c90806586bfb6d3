import { createHmac, randomBytes } from 'node:crypto';
import type { Vault } from '../../context.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';

const prefix = 'whsec_';
const secret_bytes = 32;

const binding = (endpoint_id: string) => `webhook_endpoints.secret:${endpoint_id}`;

/** A new secret (Standard Webhooks: `whsec_` and base64 of 32 random bytes), and the same sealed for the one endpoint. */
export function createSecret(vault: Vault, endpoint_id: string): { secret: string; sealed: Buffer } {
  const bytes = randomBytes(secret_bytes);
  return { secret: `${prefix}${bytes.toString('base64')}`, sealed: vault.seal(bytes, binding(endpoint_id)) };
}

type SecretColumns = Pick<WebhookEndpointsRow, 'id' | 'secret' | 'previous_secret' | 'previous_secret_until'>;

/** The keys that sign now: the one of today, and for 24 h after a rotation the one before. Keep them for the call and no longer. */
export function openKeys(vault: Vault, endpoint: SecretColumns, now: Date): Buffer[] {
  const { secret, previous_secret, previous_secret_until } = endpoint;
  const is_rotating = previous_secret !== null && previous_secret_until !== null && previous_secret_until > now;
  return (is_rotating ? [secret, previous_secret] : [secret]).map((sealed) =>
    vault.unseal(sealed, binding(endpoint.id)),
  );
}

/** The headers of Standard Webhooks for one call; `webhook-id` is the event's id, the same on every repeat. */
export function signedHeaders(keys: Buffer[], event_id: string, at: Date, body: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signed = `${event_id}.${timestamp}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  return {
    'webhook-id': event_id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
