import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { Type } from '@sinclair/typebox';
import { type DefinedProblem, Problem } from '../problem.ts';
import { Closed, ProviderAnswer } from '../schema.ts';
import { scope_missing, unauthorized } from './authenticate.ts';
import { body_problems, common_problems, renderProblem } from './problem-handler.ts';
import type { App } from './server.ts';
import { validation_failed } from './validation.ts';

const FieldProblem = Closed(
  {
    pointer: Type.String({
      description: 'JSON pointer into the body; `?name` for a query parameter, `:name` for one of the path.',
    }),
    code: Type.String({ description: 'Stable, snake_case.' }),
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
  { $id: 'Problem', title: 'Problem', description: 'RFC 9457, with our members. Some codes add more of their own.' },
);

/** Names components by `$id` and adds to every operation the problems it declares. */
export async function describeApi(app: App, public_url: string, version: string): Promise<void> {
  for (const schema of [FieldProblem, ProviderAnswer, ProblemBody]) app.addSchema(schema);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Conversar',
        version,
        description:
          'Starts customer-service conversations (attendances) on WhatsApp, over official and unofficial channels. Every answer that refuses is `application/problem+json`.',
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
        { name: 'Operators', description: 'Health.' },
        { name: 'Admin', description: "Accounts and keys, with the operator's token." },
      ],
      components: {
        securitySchemes: {
          api_key: { type: 'http', scheme: 'bearer', description: 'An API key of one account.' },
          operator: { type: 'http', scheme: 'bearer', description: 'CONVERSAR_ADMIN_TOKEN.' },
        },
      },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `def-${index}`) },
    transform: ({ schema, url, route }) => ({
      url,
      schema: describeOperation({ ...schema }, url, (route.config ?? {}) as RouteConfig) as never,
    }),
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { persistAuthorization: false } });
}

/** Serves the document itself. Call after the last route. */
export function serveDocument(app: App): void {
  app.get('/openapi.json', { config: { public: true }, schema: { hide: true } }, async (_, reply) =>
    reply.type('application/json').send(JSON.stringify(app.swagger())),
  );
}

interface RouteConfig {
  scope?: string;
  problems?: DefinedProblem[];
  public?: boolean;
  idempotent?: boolean;
  waits?: boolean;
}

/** Every problem one operation may answer with: its own, and those that its parts bring. */
export function problemsOf(schema: Record<string, unknown>, url: string, config: RouteConfig): DefinedProblem[] {
  if (config.public) return [];
  const takes_input = Boolean(schema.querystring ?? schema.params ?? schema.body);
  return [
    ...(takes_input ? [validation_failed] : []),
    ...(schema.body ? body_problems : []),
    unauthorized,
    ...(url.startsWith('/admin') ? [] : [scope_missing]),
    ...(config.problems ?? []),
    ...common_problems,
  ];
}

function describeOperation(schema: Record<string, unknown>, url: string, config: RouteConfig): Record<string, unknown> {
  if (schema.hide) return schema;
  const response = { ...(schema.response as Record<string, unknown>) };
  const by_status = new Map<number, DefinedProblem[]>();
  for (const problem of problemsOf(schema, url, config)) {
    by_status.set(problem.kind.status, [...(by_status.get(problem.kind.status) ?? []), problem]);
  }
  for (const [status, problems] of by_status) response[status] = describeProblems(problems);
  const security = config.public ? [] : url.startsWith('/admin') ? [{ operator: [] }] : [{ api_key: [] }];
  const needs = config.scope ? `\n\nNeeds the scope \`${config.scope}\`.` : '';
  return { ...schema, description: `${schema.description ?? schema.summary}${needs}`, security, response };
}

function describeProblems(problems: DefinedProblem[]): Record<string, unknown> {
  const lines = problems.map(({ kind }) => `- \`${kind.code}\`: ${kind.title.en}.`);
  return {
    description: lines.join('\n'),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: 'Problem#' },
            { type: 'object', properties: { code: { type: 'string', enum: problems.map(({ kind }) => kind.code) } } },
          ],
        },
        examples: Object.fromEntries(problems.map((problem) => [problem.kind.code, { value: exampleOf(problem) }])),
      },
    },
  };
}

const example_request_id = '019a0000-0000-7000-8000-00000000000f';

function exampleOf(problem: DefinedProblem): Record<string, unknown> {
  return renderProblem(new Problem(problem.kind, {}), 'en', example_request_id);
}
