import type { Scope } from '../../context.ts';
import { uuid } from '../../random.ts';
import { eventText } from '../events/event-text.ts';
import { type Caller, callEndpoint } from './call-endpoint.ts';
import { getEndpoint } from './endpoint-state.ts';
import { toEndpoint } from './endpoints.repository.ts';
import { openKeys } from './webhook-secret.ts';
import type { WebhookTestView } from './webhooks.schema.ts';

/** The type of a test: it is told to the one endpoint, enabled or not, and stands in no feed. */
const test_type = 'webhook_endpoint.test';

/** Sends a signed test event now and tells what came of it; it is not repeated and counts nowhere. Throws `webhook_endpoint_not_found`. */
export async function testEndpoint(
  scope: Scope,
  caller: Pick<Caller, 'http' | 'timeout_ms'>,
  endpoint_id: string,
): Promise<WebhookTestView> {
  const row = await getEndpoint(scope, endpoint_id);
  const id = uuid();
  const event = { id, type: test_type, created_at: scope.now(), attendance_sequence: null };
  const text = eventText({ ...event, data_text: JSON.stringify(toEndpoint(row)) });
  const target = { url: row.url, keys: openKeys(scope.vault, row, scope.now()) };
  const { started_at, duration_ms, status_code, error, response } = await callEndpoint(
    { ...caller, now: scope.now, signal: scope.signal },
    target,
    { id, text },
  );
  const at = started_at.toISOString();
  return { event_id: id, is_delivered: error === null, at, duration_ms, status_code, error, response };
}
