import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

export interface Media {
  schema: Record<string, unknown>;
  examples?: Record<string, { $ref?: string; value?: unknown }>;
}

export interface DocumentedAnswer {
  $ref?: string;
  description: string;
  headers?: Record<string, object>;
  content?: Record<string, Media>;
}

export interface Parameter {
  $ref?: string;
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description?: string;
  schema: Record<string, unknown>;
}

export interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Record<string, Media> };
  responses: Record<string, DocumentedAnswer>;
}

export interface Document {
  paths: Record<string, Record<string, Operation>>;
  webhooks?: Record<string, { post: Operation }>;
  components: { schemas: Record<string, Record<string, unknown>> } & Record<string, Record<string, object>>;
}

export interface Answered {
  method: string;
  /** With query. */
  url: string;
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

/** A thing of the document, through its `$ref` where it is one. */
export function resolve<T extends { $ref?: string }>(document: Document, thing: T): T {
  if (thing.$ref === undefined) return thing;
  const found = thing.$ref
    .slice(2)
    .split('/')
    .reduce<unknown>((node, part) => (node as Record<string, unknown> | undefined)?.[part], document);
  assert.ok(found, `${thing.$ref} leads nowhere`);
  return found as T;
}

/** Asks whether a value fits a schema of the document; answers what is wrong, or null. */
export function createChecker(document: Document): (schema: object, value: unknown) => string | null {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  // The library's own also takes `urn:uuid:` before it, which is no UUID as JSON Schema means it.
  ajv.addFormat('uuid', /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
  ajv.addSchema(document, 'document');
  const compiled = new Map<object, ReturnType<typeof ajv.compile>>();
  const compile = (schema: object) => {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as object;
    const validate = ajv.compile(absolute);
    compiled.set(schema, validate);
    return validate;
  };
  return (schema, value) => {
    const validate = compiled.get(schema) ?? compile(schema);
    return validate(value) ? null : ajv.errorsText(validate.errors);
  };
}

interface ProblemForm {
  $ref?: string;
  properties?: Record<string, { enum?: string[] }>;
  oneOf?: ProblemForm[];
}

/** What a problem's schema adds to the standard members: one form, or one for each set of members. */
export const formsOf = (own: ProblemForm): ProblemForm[] => own.oneOf ?? [own];

/** Members of a problem that the document names, for one status of one operation. */
function knownMembers(document: Document, schema: object): Set<string> {
  const [standard, own] = (schema as { allOf: [ProblemForm, ProblemForm] }).allOf;
  return new Set([standard, ...formsOf(own)].flatMap((form) => Object.keys(resolve(document, form).properties ?? {})));
}

/** Judges answers by the API document: an undocumented status, type, header or member fails the test that got it. */
export function createJudge(document: Document): (answered: Answered) => void {
  const check = createChecker(document);
  const paths = Object.keys(document.paths).map((path) => ({
    path,
    // Literal paths first: /contacts/lookup is no contact.
    rank: (path.match(/\{/g) ?? []).length,
    shape: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
  }));
  paths.sort((one, other) => one.rank - other.rank);

  return ({ method, url, status, headers, body }) => {
    const [pathname = ''] = url.split('?');
    const found = paths.find(({ path, shape }) => shape.test(pathname) && document.paths[path]?.[method.toLowerCase()]);
    const operation = found && document.paths[found.path]?.[method.toLowerCase()];
    if (!found || !operation) return;
    const said = `${method} ${found.path} answered ${status}`;
    const documented = operation.responses[status];
    assert.ok(documented, `${said}, which the document does not know`);
    const response = resolve(document, documented);
    judgeHeaders(said, response.headers ?? {}, headers, promisedOf(url));
    if (!response.content) return assert.equal(body, '', `${said} with a body, which the document does not know`);
    const type = String(headers['content-type'] ?? '').split(';')[0] ?? '';
    const media = response.content[type];
    assert.ok(media, `${said} as "${type}", which the document does not know`);
    const value = type.endsWith('json') ? (JSON.parse(body) as object) : body;
    const fault = check(media.schema, value);
    assert.equal(fault, null, `${said} off its schema: ${fault}\n${body}`);
    if (type !== 'application/problem+json') return;
    const members = knownMembers(document, media.schema);
    for (const member of Object.keys(value)) assert.ok(members.has(member), `${said} with the unknown "${member}"`);
  };
}

/** Headers that say something of one answer alone: sent ones are documented, and these two are sent where documented. */
const telling = ['location', 'retry-after', 'idempotent-replayed', 'preference-applied', 'www-authenticate'];
const always = ['location', 'x-request-id'];
/** What was made or found has a path; a dry run has nothing to lead to. */
const promisedOf = (url: string) => (url.includes('dry_run=true') ? ['x-request-id'] : always);

function judgeHeaders(
  said: string,
  documented: Record<string, object>,
  sent: Record<string, unknown>,
  promised: string[],
): void {
  const known = Object.keys(documented).map((name) => name.toLowerCase());
  for (const name of telling)
    if (sent[name] !== undefined)
      assert.ok(known.includes(name), `${said} with ${name}, which the document does not know`);
  for (const name of promised)
    if (known.includes(name))
      assert.ok(sent[name] !== undefined, `${said} without the ${name} that the document promises`);
}
