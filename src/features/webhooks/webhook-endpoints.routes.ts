import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { answerPost } from '../../http/idempotency.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import type { App } from '../../http/server.ts';
import type { AddressGuard } from '../../outbound/address-guard.ts';
import { Closed, Id, page_query } from '../../schema.ts';
import { checkHost, url_not_allowed } from '../references.ts';
import { changeEndpoint } from './change-endpoint.ts';
import { createEndpoint } from './create-endpoint.ts';
import { getEndpoint, webhook_endpoint_not_found } from './endpoint-state.ts';
import { deleteEndpoint, listEndpoints, toEndpoint } from './endpoints.repository.ts';
import {
  NewWebhookEndpoint,
  WebhookEndpoint,
  WebhookEndpointChange,
  WebhookEndpointPage,
  WebhookEndpointWithSecret,
  webhook_schemas,
} from './webhooks.schema.ts';

const tags = ['Webhooks'];
const EndpointPath = Closed({ endpoint_id: Id('The endpoint.') });

interface Dependencies {
  guard: AddressGuard;
}

export function webhookEndpointRoutes(app: App, dependencies: Dependencies): void {
  for (const schema of webhook_schemas) app.addSchema(schema);
  endpointRoutes(app, dependencies);
  changeRoutes(app, dependencies);
}

function endpointRoutes(app: App, { guard }: Dependencies): void {
  app.get(
    '/v1/webhook-endpoints',
    {
      config: { scope: 'webhooks:read', problems: [cursor_invalid] },
      schema: {
        operationId: 'listWebhookEndpoints',
        tags,
        summary: 'List webhook endpoints',
        querystring: Closed(page_query),
        response: { 200: Type.Ref(WebhookEndpointPage) },
      },
    },
    async (request) => {
      const page = readPage(request.query);
      return toPage(await listEndpoints(scopeOf(request), page), page.limit, toEndpoint);
    },
  );

  app.post(
    '/v1/webhook-endpoints',
    {
      config: {
        scope: 'webhooks:write',
        problems: [url_not_allowed],
        points: { url_not_allowed: '/url' },
        idempotent: true,
        shows_secret: true,
      },
      schema: {
        operationId: 'createWebhookEndpoint',
        tags,
        summary: 'Add a webhook endpoint',
        description:
          'It hears of what happens from now on, signed as Standard Webhooks says. The answer is the only time `secret` is shown.',
        body: Type.Ref(NewWebhookEndpoint),
        response: { 201: Type.Ref(WebhookEndpointWithSecret) },
      },
    },
    (request, reply) =>
      answerPost(
        request,
        reply,
        async (scope) => {
          const { row, secret } = await createEndpoint(scope, request.body);
          return { status: 201, location: `/v1/webhook-endpoints/${row.id}`, body: { ...toEndpoint(row), secret } };
        },
        { before: () => checkHost(guard, '/url', request.body.url) },
      ),
  );

  app.get(
    '/v1/webhook-endpoints/:endpoint_id',
    {
      config: { scope: 'webhooks:read', problems: [webhook_endpoint_not_found] },
      schema: {
        operationId: 'getWebhookEndpoint',
        tags,
        summary: 'Read a webhook endpoint',
        params: EndpointPath,
        response: { 200: Type.Ref(WebhookEndpoint) },
      },
    },
    async (request) => toEndpoint(await getEndpoint(scopeOf(request), request.params.endpoint_id)),
  );
}

function changeRoutes(app: App, { guard }: Dependencies): void {
  app.patch(
    '/v1/webhook-endpoints/:endpoint_id',
    {
      config: {
        scope: 'webhooks:write',
        problems: [webhook_endpoint_not_found, url_not_allowed],
        points: { url_not_allowed: '/url' },
      },
      schema: {
        operationId: 'updateWebhookEndpoint',
        tags,
        summary: 'Change a webhook endpoint',
        params: EndpointPath,
        body: Type.Ref(WebhookEndpointChange),
        response: { 200: Type.Ref(WebhookEndpoint) },
      },
    },
    async (request) => {
      // Nobody is asked where a host is for an endpoint that is not there.
      if (request.body.url !== undefined) await getEndpoint(scopeOf(request), request.params.endpoint_id);
      await checkHost(guard, '/url', request.body.url);
      return toEndpoint(await changeEndpoint(scopeOf(request), request.params.endpoint_id, request.body));
    },
  );

  app.delete(
    '/v1/webhook-endpoints/:endpoint_id',
    {
      config: { scope: 'webhooks:write', problems: [webhook_endpoint_not_found] },
      schema: {
        operationId: 'deleteWebhookEndpoint',
        tags,
        summary: 'Delete a webhook endpoint',
        description: 'Nothing is told to it any more; its deliveries are gone with it.',
        params: EndpointPath,
        response: { 204: Type.Null({ description: 'Gone.' }) },
      },
    },
    async (request, reply) => {
      const { endpoint_id: id } = request.params;
      const is_gone = await deleteEndpoint(scopeOf(request), id);
      if (!is_gone) throw webhook_endpoint_not_found({ pointer: ':endpoint_id', params: { id } });
      return reply.code(204).send(null);
    },
  );
}
