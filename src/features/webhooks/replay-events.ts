import { inTransaction, type Scope } from '../../context.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';
import { getLockedEndpoint, mustBeEnabled } from './endpoint-state.ts';
import { moveBack } from './endpoints.repository.ts';

/**
 * Tells the endpoint again all that it hears of since then, under the same ids; its lane does it, at its own pace. Throws
 * `webhook_endpoint_not_found`, `webhook_endpoint_disabled`.
 */
export async function replayEvents(scope: Scope, endpoint_id: string, since: Date): Promise<WebhookEndpointsRow> {
  return inTransaction(scope, async (trx) => {
    const row = await getLockedEndpoint(trx, endpoint_id);
    mustBeEnabled(row, ':endpoint_id');
    await moveBack(trx, endpoint_id, since);
    return row;
  });
}
