import { inTransaction, type Scope } from '../../context.ts';
import type { WebhookEndpointsRow } from '../../db/rows.ts';
import { insertEvents } from '../events/events.repository.ts';
import { getLockedEndpoint } from './endpoint-state.ts';
import { type EndpointColumns, moveToNow, updateEndpoint } from './endpoints.repository.ts';
import { tellDisabled } from './record-calls.ts';
import type { WebhookEndpointChangeBody } from './webhooks.schema.ts';

/**
 * Changes what is given. One that is enabled again goes on with what waited and hears of all that happens from now on; one that is
 * disabled is told of. Throws `webhook_endpoint_not_found`.
 */
export async function changeEndpoint(
  scope: Scope,
  id: string,
  { events, is_enabled, ...rest }: WebhookEndpointChangeBody,
): Promise<WebhookEndpointsRow> {
  return inTransaction(scope, async (trx) => {
    const before = await getLockedEndpoint(trx, id);
    const turns = is_enabled !== undefined && is_enabled !== before.is_enabled;
    if (turns && is_enabled) await moveToNow(trx, id);
    const row = await updateEndpoint(trx, id, {
      ...rest,
      ...(events === undefined ? {} : { event_types: events }),
      ...(turns ? switched(is_enabled) : {}),
      // Whoever moved it should not wait for what was wrong with the old place, nor be judged by what that still answers.
      ...(rest.url === undefined || rest.url === before.url ? {} : { ...fresh, fence: null, lease_until: null }),
    });
    if (turns && !is_enabled) await insertEvents(trx, [tellDisabled(trx, row)]);
    return row;
  });
}

const fresh = { failures: 0, failing_since: null, paused_until: null };

const switched = (is_enabled: boolean): Partial<EndpointColumns> =>
  is_enabled ? { is_enabled, disabled_reason: null, ...fresh } : { is_enabled, disabled_reason: 'by_request' };
