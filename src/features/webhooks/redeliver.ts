import { inTransaction, type Scope } from '../../context.ts';
import { defineProblem } from '../../problem.ts';
import { findContactOf } from '../events/events.repository.ts';
import { type DeliveryWithAttempts, findDelivery, makeDue } from './deliveries.repository.ts';
import { getEndpoint, mustBeEnabled } from './endpoint-state.ts';

export const webhook_delivery_not_found = defineProblem({
  code: 'webhook_delivery_not_found',
  status: 404,
  title: { en: 'No such delivery', pt: 'Entrega inexistente' },
  detail: {
    en: 'This account has no webhook delivery {id}, or it was dropped with its age.',
    pt: 'Esta conta não tem a entrega de webhook {id}, ou ela foi removida por idade.',
  },
  example: { pointer: ':delivery_id', params: { id: '019a0000-0000-7000-8000-000000000072' } },
});

/** Throws `webhook_delivery_not_found`. */
export async function getDelivery(scope: Pick<Scope, 'db' | 'account_id'>, id: string): Promise<DeliveryWithAttempts> {
  const row = await findDelivery(scope, id);
  if (!row) throw webhook_delivery_not_found({ pointer: ':delivery_id', params: { id } });
  return row;
}

/**
 * Makes one delivery due now, whatever came of it; the event keeps its id. With the contact whom it tells of: endpoints may have
 * answered with what they heard. Throws `webhook_delivery_not_found`,
 * `webhook_endpoint_disabled`.
 */
export async function redeliver(
  scope: Scope,
  id: string,
): Promise<{ delivery: DeliveryWithAttempts; contact_id: string | null }> {
  return inTransaction(scope, async (trx) => {
    // First, for its lock: an endpoint that is being deleted takes its deliveries along.
    await makeDue(trx, id);
    const delivery = await getDelivery(trx, id);
    mustBeEnabled(await getEndpoint(trx, delivery.endpoint_id), ':delivery_id');
    return { delivery, contact_id: await findContactOf(trx, delivery.event_id) };
  });
}
