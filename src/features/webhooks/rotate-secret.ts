import { inTransaction, type Scope } from '../../context.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';
import { getLockedEndpoint } from './endpoint-state.ts';
import { updateEndpoint } from './endpoints.repository.ts';
import { createSecret } from './webhook-secret.ts';

const both_sign_for_ms = 24 * 3_600_000;

/**
 * A new secret; the one before signs beside it for 24 h, so that a receiver can be changed at any time between. Throws
 * `webhook_endpoint_not_found`.
 */
export async function rotateSecret(scope: Scope, id: string): Promise<{ row: WebhookEndpointsRow; secret: string }> {
  return inTransaction(scope, async (trx) => {
    const before = await getLockedEndpoint(trx, id);
    const { secret, sealed } = createSecret(trx.vault, before.id);
    const row = await updateEndpoint(trx, id, {
      secret: sealed,
      previous_secret: before.secret,
      previous_secret_until: new Date(trx.now().getTime() + both_sign_for_ms),
    });
    return { row, secret };
  });
}
