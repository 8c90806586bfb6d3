import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { answerPost } from '../../http/idempotency.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import type { App } from '../../http/server.ts';
import { Closed, Id, NoFields } from '../../schema.ts';
import type { Caller } from './call-endpoint.ts';
import { listDeliveries, toDelivery } from './deliveries.repository.ts';
import { getEndpoint, webhook_endpoint_disabled, webhook_endpoint_not_found } from './endpoint-state.ts';
import { toEndpoint } from './endpoints.repository.ts';
import { getDelivery, redeliver, webhook_delivery_not_found } from './redeliver.ts';
import { replayEvents } from './replay-events.ts';
import { rotateSecret } from './rotate-secret.ts';
import { testEndpoint } from './test-endpoint.ts';
import {
  DeliveriesQuery,
  ReplayEvents,
  WebhookDelivery,
  WebhookDeliveryPage,
  WebhookEndpoint,
  WebhookEndpointWithSecret,
  WebhookTest,
} from './webhooks.schema.ts';

const tags = ['Webhooks'];
const EndpointPath = Closed({ endpoint_id: Id('The endpoint.') });
const DeliveryPath = Closed({ delivery_id: Id('The delivery.') });

/** What is done with endpoints and their deliveries; the schemas are those that `webhookEndpointRoutes` brings. */
export function webhookVerbRoutes(app: App, caller: Pick<Caller, 'http' | 'timeout_ms'>): void {
  secretRoutes(app);
  toldRoutes(app, caller);
  deliveryRoutes(app);
}

function secretRoutes(app: App): void {
  app.post(
    '/v1/webhook-endpoints/:endpoint_id/rotate-secret',
    {
      config: {
        scope: 'webhooks:write',
        problems: [webhook_endpoint_not_found],
        idempotent: true,
        shows_secret: true,
      },
      schema: {
        operationId: 'rotateWebhookSecret',
        tags,
        summary: 'Give a webhook endpoint a new secret',
        description:
          'Both secrets sign for 24 h. The answer is the only time the new one is shown; rotated twice within 24 h, the first of the three signs no more.',
        params: EndpointPath,
        body: Type.Ref(NoFields),
        response: { 200: Type.Ref(WebhookEndpointWithSecret) },
      },
    },
    (request, reply) =>
      answerPost(request, reply, async (scope) => {
        const { row, secret } = await rotateSecret(scope, request.params.endpoint_id);
        return { status: 200, location: `/v1/webhook-endpoints/${row.id}`, body: { ...toEndpoint(row), secret } };
      }),
  );
}

function toldRoutes(app: App, caller: Pick<Caller, 'http' | 'timeout_ms'>): void {
  app.post(
    '/v1/webhook-endpoints/:endpoint_id/test',
    {
      config: { scope: 'webhooks:write', problems: [webhook_endpoint_not_found], asks_outside: true },
      schema: {
        operationId: 'testWebhookEndpoint',
        tags,
        summary: 'Send a test event to a webhook endpoint',
        description:
          'Sends a signed `webhook_endpoint.test` at once, whether the endpoint is enabled or not, and answers with what came of it.',
        params: EndpointPath,
        body: Type.Ref(NoFields),
        response: { 200: Type.Ref(WebhookTest) },
      },
    },
    async (request) => testEndpoint(scopeOf(request), caller, request.params.endpoint_id),
  );

  app.post(
    '/v1/webhook-endpoints/:endpoint_id/replay',
    {
      config: {
        scope: 'webhooks:write',
        problems: [webhook_endpoint_not_found, webhook_endpoint_disabled],
        idempotent: true,
      },
      schema: {
        operationId: 'replayWebhookEvents',
        tags,
        summary: 'Tell a webhook endpoint again what happened since a time',
        description:
          'All events since then that the endpoint hears of, delivered before or not, with the same `webhook-id`. It goes on behind the answer.',
        params: EndpointPath,
        body: Type.Ref(ReplayEvents),
        response: { 200: Type.Ref(WebhookEndpoint) },
      },
    },
    (request, reply) =>
      answerPost(request, reply, async (scope) => {
        const row = await replayEvents(scope, request.params.endpoint_id, new Date(request.body.since));
        return { status: 200, location: `/v1/webhook-endpoints/${row.id}`, body: toEndpoint(row) };
      }),
  );
}

function deliveryRoutes(app: App): void {
  app.get(
    '/v1/webhook-endpoints/:endpoint_id/deliveries',
    {
      config: { scope: 'webhooks:read', problems: [webhook_endpoint_not_found, cursor_invalid] },
      schema: {
        operationId: 'listWebhookDeliveries',
        tags,
        summary: 'List deliveries of a webhook endpoint',
        description: 'What was told to it and what it answered, kept for 30 days unless the operator says otherwise.',
        params: EndpointPath,
        querystring: DeliveriesQuery,
        response: { 200: Type.Ref(WebhookDeliveryPage) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const page = readPage(request.query);
      const { id: endpoint_id } = await getEndpoint(scope, request.params.endpoint_id);
      const filter = { endpoint_id, status: request.query.status ?? null };
      return toPage(await listDeliveries(scope, filter, page), page.limit, toDelivery);
    },
  );

  app.get(
    '/v1/webhook-deliveries/:delivery_id',
    {
      config: { scope: 'webhooks:read', problems: [webhook_delivery_not_found] },
      schema: {
        operationId: 'getWebhookDelivery',
        tags,
        summary: 'Read a delivery',
        params: DeliveryPath,
        response: { 200: Type.Ref(WebhookDelivery) },
      },
    },
    async (request) => toDelivery(await getDelivery(scopeOf(request), request.params.delivery_id)),
  );

  app.post(
    '/v1/webhook-deliveries/:delivery_id/redeliver',
    {
      config: {
        scope: 'webhooks:write',
        problems: [webhook_delivery_not_found, webhook_endpoint_disabled],
        idempotent: true,
      },
      schema: {
        operationId: 'redeliverWebhook',
        tags,
        summary: 'Deliver an event again',
        description:
          'Due now, with all attempts of the schedule before it, whatever came of it; the `webhook-id` stays.',
        params: DeliveryPath,
        body: Type.Ref(NoFields),
        response: { 200: Type.Ref(WebhookDelivery) },
      },
    },
    (request, reply) =>
      answerPost(request, reply, async (scope) => {
        const { delivery, contact_id } = await redeliver(scope, request.params.delivery_id);
        const body = toDelivery(delivery);
        const location = `/v1/webhook-deliveries/${body.id}`;
        return { status: 200, location, body, ...(contact_id ? { contact_id } : {}) };
      }),
  );
}
