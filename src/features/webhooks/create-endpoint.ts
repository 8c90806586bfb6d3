import type { Scope } from '../../context.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';
import { uuid } from '../../random.ts';
import { insertEndpoint } from './endpoints.repository.ts';
import { createSecret } from './webhook-secret.ts';
import type { NewWebhookEndpointBody } from './webhooks.schema.ts';

/** An endpoint that hears of all that happens from now on, and its secret, which is shown once. */
export async function createEndpoint(
  scope: Scope,
  { url, events, description, is_enabled = true }: NewWebhookEndpointBody,
): Promise<{ row: WebhookEndpointsRow; secret: string }> {
  const id = uuid();
  const now = scope.now();
  const { secret, sealed } = createSecret(scope.vault, id);
  const row = await insertEndpoint(scope, {
    account_id: scope.account_id,
    id,
    url,
    event_types: events ?? null,
    description: description ?? null,
    is_enabled,
    disabled_reason: is_enabled ? null : 'by_request',
    secret: sealed,
    reads_from: now,
    created_at: now,
    updated_at: now,
  });
  return { row, secret };
}
