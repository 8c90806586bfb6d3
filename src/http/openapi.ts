import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { type TSchema, Type } from '@sinclair/typebox';
import { Closed, NoFields, ProviderAnswer } from '../schema.ts';
import { conventions, field_code_list } from './conventions.ts';
import { describeOperation, exampleOf } from './describe-operation.ts';
import { describeWebhooks, webhook_parameters, webhook_rules } from './describe-webhooks.ts';
import { finishDocument } from './finish-document.ts';
import type { App } from './server.ts';
import { validation_failed } from './validation.ts';

const FieldProblem = Closed(
  {
    pointer: Type.String({
      description: 'JSON pointer into the body; `?name` for a query parameter, `:name` for one of the path.',
    }),
    code: Type.String({
      description: `Stable, snake_case. Of shape: ${field_code_list}; of template parameters \`unknown\`, \`blank\` and \`forbidden_characters\`, too; else the code of a problem.`,
    }),
    detail: Type.String({ description: 'What is wrong and what to do, in the language asked for.' }),
  },
  { $id: 'FieldProblem', title: 'FieldProblem', description: 'One fault in a request.' },
);

const ProblemBody = Type.Object(
  {
    type: Type.String({ description: 'A URN that ends in the code.' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable, snake_case: branch on this.' }),
    detail: Type.String({ description: 'For people; in English, or in Portuguese by `Accept-Language: pt-BR`.' }),
    request_id: Type.String({ format: 'uuid', description: 'Also in `x-request-id`.' }),
    errors: Type.Array(Type.Ref(FieldProblem), { description: 'Where, one entry per fault.' }),
    retryable: Type.Boolean({ description: 'The same request may succeed later without a change.' }),
    provider: Type.Optional(Type.Ref(ProviderAnswer)),
  },
  {
    $id: 'Problem',
    title: 'Problem',
    description: 'RFC 9457, with our members. Some codes add more of their own.',
    examples: [exampleOf(validation_failed)],
  },
);

/** Names components by `$id`, adds to every operation the problems it declares, and has an entry under `webhooks` per event. */
export async function describeApi(
  app: App,
  { public_url, version, events }: { public_url: string; version: string; events: TSchema[] },
): Promise<void> {
  for (const schema of [FieldProblem, ProviderAnswer, ProblemBody, NoFields]) app.addSchema(schema);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Conversar',
        version,
        description: conventions,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: public_url, description: 'This installation' }],
      tags: [
        { name: 'Contacts', description: 'People the company talks with.' },
        { name: 'Attendances', description: 'Conversations: start, read.' },
        { name: 'Messages', description: 'What was said, and whether it arrived.' },
        { name: 'Templates', description: 'Approved message templates of official channels.' },
        { name: 'Channels', description: "The company's WhatsApp numbers at their providers." },
        { name: 'Teams', description: 'Who looks after attendances.' },
        { name: 'Events', description: 'What happened, in order: a feed to catch up with, a stream to listen to.' },
        { name: 'Inbound', description: 'The door for providers.' },
        { name: 'Webhooks', description: webhook_rules },
        { name: 'Operators', description: 'Health and metrics.' },
        { name: 'Admin', description: "Accounts and keys, with the operator's token." },
      ],
      webhooks: describeWebhooks(events) as never,
      components: {
        parameters: webhook_parameters as never,
        securitySchemes: {
          api_key: { type: 'http', scheme: 'bearer', description: 'An API key of one account.' },
          operator: { type: 'http', scheme: 'bearer', description: 'CONVERSAR_ADMIN_TOKEN.' },
        },
      },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `def-${index}`) },
    transform: ({ schema, url, route }) => ({
      url,
      schema: describeOperation({ ...schema }, { url, method: String(route.method) }, route.config ?? {}) as never,
    }),
    transformObject: (document) => finishDocument('openapiObject' in document ? document.openapiObject : document),
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: pagePolicy(public_url),
    theme: { title: 'Conversar API' },
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', defaultModelsExpandDepth: 0, persistAuthorization: false },
  });
}

/** All that the page loads is ours; it calls the service, wherever that is reached. The page styles its own elements. */
function pagePolicy(public_url: string): Record<string, string> {
  return {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'style-src-attr': "'unsafe-inline'",
    'img-src': "'self' data:",
    'connect-src': `'self' ${new URL(public_url).origin}`,
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  };
}

/** Serves the document itself. Call after the last route. */
export function serveDocument(app: App): void {
  app.get('/openapi.json', { config: { public: true }, schema: { hide: true } }, async (_, reply) =>
    reply.type('application/json').send(JSON.stringify(app.swagger())),
  );
}
