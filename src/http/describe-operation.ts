import { type DefinedProblem, Problem } from '../problem.ts';
import { scope_missing, unauthorized } from './authenticate.ts';
import { isKeptStatus } from './idempotency.ts';
import { idempotency_key_invalid, idempotency_problems, secret_already_shown } from './idempotency-problems.ts';
import { too_many_calls } from './outside-gate.ts';
import { body_problems, common_problems, malformed_url, renderProblem, route_not_found } from './problem-handler.ts';
import { rate_limited } from './rate-limit.ts';
import { validation_failed } from './validation.ts';

/** What a route says of itself in its `config`. */
export interface RouteConfig {
  scope?: string;
  problems?: DefinedProblem[];
  public?: boolean;
  idempotent?: boolean;
  shows_secret?: boolean;
  waits?: boolean;
  limited?: boolean;
  points?: Record<string, string>;
  asks_outside?: boolean;
}

type Schema = Record<string, unknown>;

/** The route as Fastify knows it, as far as it matters here. */
interface Route {
  url: string;
  method: string;
}

/** Every problem one operation may answer with: its own, and those that its parts bring. */
function problemsOf(schema: Schema, { url, method }: Route, config: RouteConfig): DefinedProblem[] {
  const takes_input = Boolean(schema.querystring ?? schema.params ?? schema.body);
  if (config.public && !takes_input) return config.problems ?? [];
  const is_admin = url.startsWith('/admin');
  return [
    ...(takes_input ? [validation_failed] : []),
    ...(schema.params ? [malformed_url] : []),
    ...(schema.body ? body_problems : []),
    ...(config.public ? [] : [unauthorized]),
    ...(config.public || is_admin ? [] : [scope_missing]),
    // Without an operator's token there is no such path.
    ...(is_admin ? [route_not_found] : []),
    ...(method === 'POST' && !config.public ? keyProblems(config) : []),
    ...limitProblems(config),
    ...(config.problems ?? []),
    ...common_problems,
  ];
}

const limitProblems = ({ limited, asks_outside }: RouteConfig) => [
  ...(limited ? [rate_limited] : []),
  ...(asks_outside ? [too_many_calls] : []),
];

const keyProblems = ({ idempotent, shows_secret }: RouteConfig) =>
  idempotent ? [...idempotency_problems, ...(shows_secret ? [secret_already_shown] : [])] : [idempotency_key_invalid];

/** The schema of one route as the document shows it: its problems, headers, security and scope added. */
export function describeOperation(schema: Schema, route: Route, config: RouteConfig): Schema {
  if (schema.hide) return schema;
  const by_status = new Map<number, DefinedProblem[]>();
  for (const problem of problemsOf(schema, route, config)) {
    const { status } = problem.kind;
    by_status.set(status, [...(by_status.get(status) ?? []).filter((one) => one !== problem), problem]);
  }
  const response: Schema = {};
  for (const [status, answer] of Object.entries((schema.response ?? {}) as Record<string, Schema>)) {
    response[status] = { ...answer, headers: answerHeaders(Number(status), [], config) };
  }
  for (const [status, problems] of by_status) {
    response[status] = {
      ...describeProblems(problems, config.points),
      headers: answerHeaders(status, problems, config),
    };
  }
  const needs = config.scope ? `\n\nNeeds the scope \`${config.scope}\`.` : '';
  return {
    ...schema,
    description: `${schema.description ?? `${schema.summary}.`}${needs}`,
    ...(by_status.size > 0 ? { headers: { type: 'object', properties: requestHeaders(schema, route, config) } } : {}),
    security: securityOf(route.url, config),
    response,
  };
}

function securityOf(url: string, { public: is_public, scope }: RouteConfig): Record<string, string[]>[] {
  if (is_public) return [];
  return url.startsWith('/admin') ? [{ operator: [] }] : [{ api_key: scope === undefined ? [] : [scope] }];
}

const idempotencyKey = (idempotent = false) => ({
  type: 'string',
  minLength: 1,
  maxLength: 257,
  pattern: '^[\\x20-\\x7e]+$',
  description: idempotent
    ? 'Makes a repeat safe: the same key with the same request (method, path with query, bytes of the body) gets the stored answer, with `Idempotent-Replayed`; `first_message` or message as it is now where `Prefer: wait` is sent. Another request under it is 422 `idempotency_key_reused`; while the first one runs, a twin waits 2 s and is then 409 `idempotency_in_progress`. Kept for 7 days, of success and of 404, 409 and 422 that are not `retryable`; all else leaves the key free. Keys are of the account. 1 to 255 printable ASCII characters, quoted or not.'
    : 'Taken and not kept: a repeat asks again.',
  examples: ['5f0c6a52-8f4e-4a7b-9a55-0f6a2b1c7d3e'],
});

/** Those that the route reads itself, and those that its parts do. */
function requestHeaders({ headers }: Schema, { method }: Route, config: RouteConfig): Schema {
  const { idempotent, waits } = config;
  return {
    ...(headers as { properties?: Schema } | undefined)?.properties,
    // Providers, to whom public POSTs belong, have none.
    ...(method === 'POST' && !config.public ? { 'Idempotency-Key': idempotencyKey(idempotent) } : {}),
    ...(waits
      ? {
          Prefer: {
            type: 'string',
            maxLength: 500,
            description:
              '`wait=N` (RFC 7240): the answer is held until the message has left `queued` and `sending`, or N seconds (at most 25) have passed.',
            examples: ['wait=10'],
          },
        }
      : {}),
    'Accept-Language': {
      type: 'string',
      description: 'The language of `title` and `detail`: `en` (default) or `pt-BR`.',
      examples: ['pt-BR'],
    },
  };
}

function answerHeaders(
  status: number,
  problems: DefinedProblem[],
  { idempotent, waits, limited }: RouteConfig,
): Schema {
  const is_retried = status === 429 || problems.some(({ kind }) => kind.retry_after_s !== undefined);
  return {
    'X-Request-Id': { type: 'string', format: 'uuid', description: 'Names this call in our logs; quote it.' },
    ...(status === 201 || (status === 200 && idempotent)
      ? { Location: { type: 'string', description: 'Path of what was made, or found and used.' } }
      : {}),
    ...(status === 401 ? { 'WWW-Authenticate': { type: 'string', description: '`Bearer realm="conversar"`.' } } : {}),
    ...(is_retried ? { 'Retry-After': { type: 'integer', minimum: 0, description: 'Seconds to wait.' } } : {}),
    ...(idempotent && isKeptStatus(status)
      ? { 'Idempotent-Replayed': { type: 'string', enum: ['true'], description: 'This is the stored answer.' } }
      : {}),
    ...(waits && status < 300
      ? { 'Preference-Applied': { type: 'string', description: '`wait=N`, when the preference was honoured.' } }
      : {}),
    // Who the caller is comes first.
    ...(limited && status !== 401 && status !== 403 ? limit_headers : {}),
  };
}

const limit_headers = {
  'RateLimit-Policy': {
    type: 'string',
    description:
      'The limits on this key (draft-ietf-httpapi-ratelimit-headers-11): `starts` of the account, `starts-of-key` where the key has its own. `q` may be sent at once, and again within `w` seconds. Missing where nothing is limited.',
    examples: ['"starts";q=1000;w=2'],
  },
  RateLimit: {
    type: 'string',
    description:
      'What is left of the limit that is nearest to its end: `r` may be sent within the next `t` seconds. A hint: other callers share it.',
    examples: ['"starts";r=998;t=1'],
  },
};

function describeProblems(problems: DefinedProblem[], points: RouteConfig['points'] = {}): Schema {
  const [form, ...others] = formsOf(problems);
  return {
    description: problems.map(({ kind }) => `- \`${kind.code}\`: ${kind.title.en}.`).join('\n'),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [{ $ref: 'Problem#' }, others.length === 0 ? form : { oneOf: [form, ...others] }],
        },
        examples: Object.fromEntries(
          problems.map((problem) => {
            const { code, title } = problem.kind;
            return [code, { summary: title.en, value: exampleOf(problem, points[code]) }];
          }),
        ),
      },
    },
  };
}

/** The codes that add nothing are one form, each that adds members of its own another: a typed client narrows by `code`. */
function formsOf(problems: DefinedProblem[]): Schema[] {
  const form = (codes: string[], extra: Record<string, object> = {}) => ({
    type: 'object',
    required: ['code', ...Object.keys(extra)],
    properties: { code: { type: 'string', enum: codes }, ...extra },
  });
  const plain = problems.filter(({ kind }) => !kind.extra).map(({ kind }) => kind.code);
  const own = problems.filter(({ kind }) => kind.extra).map(({ kind }) => form([kind.code], kind.extra));
  return plain.length > 0 ? [form(plain), ...own] : own;
}

const example_request_id = '019a0000-0000-7000-8000-00000000000f';

/**
 * A problem as it is answered, in English, for the occurrence it was declared with, at `pointer` where the operation has it
 * elsewhere; throws when that leaves a gap.
 */
export function exampleOf({ kind }: DefinedProblem, pointer?: string): Schema {
  const { params = {}, extra = {} } = kind.example ?? {};
  const placeholders = [...kind.detail.en.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  const missing = [
    ...placeholders.filter((name) => !params[name]),
    ...Object.keys(kind.extra ?? {}).filter((name) => !(name in extra)),
  ];
  if (missing.length > 0) throw new Error(`the example of ${kind.code} says nothing for: ${missing.join(', ')}`);
  const { errors } = kind.example ?? {};
  const placed =
    pointer === undefined ? {} : { pointer, ...(errors && { errors: errors.map((one) => ({ ...one, pointer })) }) };
  return renderProblem(new Problem(kind, { ...kind.example, ...placed }), 'en', example_request_id);
}
