import { readFile } from 'node:fs/promises';
import t from 'tap';
import { event_types } from '../src/features/events/events.schema.ts';
import { createChecker, type Document, formsOf, type Media, type Operation, resolve } from './support/document.ts';
import { type Body, startService } from './support/service.ts';

const committed = JSON.parse(await readFile(new URL('../openapi/openapi.json', import.meta.url), 'utf8')) as Document;
const service = await startService(t, { with_lanes: false });
const document = service.server.swagger() as unknown as Document;
const check = createChecker(document);

interface Walked {
  said: string;
  method: string;
  path: string;
  operation: Operation;
}

const operations: Walked[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ said: `${method} ${path}`, method, path, operation })),
);

/** What is open to all, and nothing else. */
const providers_door = ['answerInboundHandshake', 'receiveInbound', 'receiveInboundByToken'];
const without_key = ['healthLive', 'healthReady', 'readMetrics', ...providers_door];
/** Of these, what asks for a token or a signature of its own. */
const with_own_token = ['readMetrics', ...providers_door];

/** Every example of a body or an answer: its own, else those of its schema. */
function examplesOf({ schema, examples }: Media): unknown[] {
  if (examples) return Object.values(examples).map((example) => resolve(document, example).value);
  return ((resolve(document, schema as { $ref?: string }) as { examples?: unknown[] }).examples ?? []) as unknown[];
}

/** Every object below a node, with where it stands. */
function* walk(node: unknown, place = '#'): Generator<[Record<string, unknown>, string]> {
  if (node === null || typeof node !== 'object') return;
  if (!Array.isArray(node)) yield [node as Record<string, unknown>, place];
  for (const [key, value] of Object.entries(node)) yield* walk(value, `${place}/${key}`);
}

t.test('the committed document is the one that is served', async (t) => {
  const { body } = await service.send(null, 'GET', '/openapi.json');
  t.same({ ...body, servers: null }, { ...committed, servers: null }, 'else: npm run generate');
  t.same(body, document);
});

t.test(
  'every operation has an id of its own, a summary, a tag that the document explains, and a description',
  async (t) => {
    const ids = operations.map(({ operation }) => operation.operationId);
    t.equal(new Set(ids).size, ids.length);
    const tags = (document as unknown as { tags: { name: string }[] }).tags.map(({ name }) => name);
    for (const { said, operation } of operations) {
      t.match(operation.operationId, /^[a-z][A-Za-z]+$/, said);
      t.match(operation.summary, /^[A-Z].*[^.]$/, `${said}: ${operation.summary}`);
      t.ok(operation.tags.length === 1 && tags.includes(operation.tags[0] ?? ''), `${said}: ${operation.tags}`);
      t.ok(operation.description, said);
    }
  },
);

t.test('every operation but the public ones names its key and answers 401 without one', async (t) => {
  for (const { said, path, operation } of operations) {
    const is_public = without_key.includes(operation.operationId);
    t.equal(operation.security.length === 0, is_public, said);
    const may_ask = !is_public || with_own_token.includes(operation.operationId);
    t.equal('401' in operation.responses, may_ask, said);
    const is_scoped = !is_public && !path.startsWith('/admin/');
    t.equal('403' in operation.responses, is_scoped, said);
    if (is_scoped) t.match(operation.security, [{ api_key: [/^[a-z]+:(read|write)$/] }], said);
  }
});

t.test('413 and 415 are answered where a body is taken, and nowhere else', async (t) => {
  for (const { said, operation } of operations) {
    // What providers send is taken as bytes: too many there may be, of a wrong type none.
    if (operation.operationId.startsWith('receiveInbound')) continue;
    for (const status of ['413', '415']) t.equal(status in operation.responses, 'requestBody' in operation, said);
  }
});

t.test('a body that an operation does not take changes nothing: the answer is one of its own', async (t) => {
  const bodiless = operations.filter(({ method, operation }) => method !== 'post' && !operation.requestBody);
  t.ok(bodiless.some(({ method }) => method === 'delete'));
  for (const { said, method, path } of bodiless) {
    const url = path.replace(/\{\w+\}/g, '019a0000-0000-7000-8000-000000000001');
    for (const type of ['text/plain', 'application/json']) {
      const headers = { authorization: 'Bearer operator-token-of-the-tests', 'content-type': type };
      const { status } = await service.send(null, method.toUpperCase(), url, '{', headers);
      t.ok([200, 401, 404].includes(status), `${said} with ${type}: ${status}`);
    }
  }
});

t.test('every answer is described in words of its own', async (t) => {
  for (const { said, operation } of operations) {
    for (const [status, answer] of Object.entries(operation.responses)) {
      const { description, headers } = resolve(document, answer);
      t.ok(description && description !== 'Default Response', `${said} ${status}`);
      t.ok(headers?.['X-Request-Id'], `${said} ${status} has a request id`);
    }
  }
});

t.test('every body and every answer has an example, and each fits its schema', async (t) => {
  for (const { said, operation } of operations) {
    const answers = Object.values(operation.responses).map((answer) => resolve(document, answer).content ?? {});
    for (const [type, media] of [operation.requestBody?.content ?? {}, ...answers].flatMap(Object.entries)) {
      const examples = examplesOf(media);
      t.ok(examples.length > 0, `${said} ${type} has an example`);
      for (const example of examples)
        t.equal(check(media.schema, example), null, `${said}: ${JSON.stringify(example)}`);
    }
  }
});

t.test('every parameter is described, and every one of the path is declared', async (t) => {
  for (const { said, path, operation } of operations) {
    const parameters = (operation.parameters ?? []).map((parameter) => resolve(document, parameter));
    for (const { name, description } of parameters) t.ok(description, `${said}: ${name}`);
    const in_path = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`);
    t.same(in_path, path.match(/\{\w+\}/g) ?? [], said);
  }
});

t.test('a problem example names its code, its status, and every member that the schema adds', async (t) => {
  const found = new Map<string, object>();
  for (const { said, operation } of operations) {
    for (const [status, answer] of Object.entries(operation.responses)) {
      const media = resolve(document, answer).content?.['application/problem+json'];
      if (!media) continue;
      const [, own] = (media.schema as { allOf: [object, Parameters<typeof formsOf>[0]] }).allOf;
      const forms = formsOf(own).map(({ properties }) => properties ?? {});
      const codes = forms.flatMap(({ code }) => code?.enum ?? []);
      t.same(codes.toSorted(), Object.keys(media.examples ?? {}).toSorted(), `${said} ${status}`);
      const members = new Set(examplesOf(media).flatMap((example) => Object.keys(example as object)));
      for (const member of forms.flatMap(Object.keys)) t.ok(members.has(member), `${said} ${status}: ${member}`);
      for (const example of examplesOf(media) as { code: string; status: number }[]) {
        t.equal(example.status, Number(status), `${said}: ${example.code}`);
        found.set(example.code, example);
      }
    }
  }
  t.match(found.get('attendance_already_open'), { attendance: { status: 'open', team: { name: String } } });
  t.match(found.get('contact_exists'), { contact_id: String });
});

t.test('every component has a name that says what it is, a description, and examples that fit', async (t) => {
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    t.match(name, /^[A-Z][A-Za-z]+$/);
    t.equal(schema.title, name);
    t.ok(schema.description, name);
    for (const example of (schema.examples ?? []) as unknown[])
      t.equal(check({ $ref: `#/components/schemas/${name}` }, example), null, `${name}: ${JSON.stringify(example)}`);
  }
});

const webhooks = Object.entries(document.webhooks ?? {});
/** The one value that `type` of a component of an event has. */
const typeOf = ($ref: string) => {
  const { properties } = resolve(document, { $ref } as { $ref?: string; properties?: Record<string, Body> });
  return properties?.type.enum;
};

t.test('every type of event is a webhook that sends a whole event, and a form of Event', async (t) => {
  const types = webhooks.map(([type]) => type);
  for (const type of event_types) t.ok(types.includes(type), type);
  for (const [type, { post }] of webhooks) {
    t.match(post.operationId, /^on[A-Z][A-Za-z]+$/, type);
    t.match(post.summary, /^[A-Z].*[^.]$/, type);
    const media = post.requestBody?.content['application/json'];
    t.same(typeOf(String(media?.schema.$ref)), [type]);
    const examples = media ? examplesOf(media) : [];
    t.equal(examples.length, 1, `${type} has an example`);
    for (const example of examples) t.match(example, { id: String, type, timestamp: String, data: { id: String } });
    t.same(
      post.parameters?.map((parameter) => resolve(document, parameter).name),
      ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
      type,
    );
    for (const parameter of post.parameters ?? [])
      t.match(resolve(document, parameter), { in: 'header', required: true });
    t.same(Object.keys(post.responses).toSorted(), ['2XX', '410', 'default'], type);
  }
  const ids = [...operations.map(({ operation }) => operation), ...webhooks.map(([, { post }]) => post)];
  t.equal(new Set(ids.map(({ operationId }) => operationId)).size, ids.length);
  const { oneOf } = document.components.schemas.Event as { oneOf: { $ref: string }[] };
  t.same(
    oneOf.flatMap(({ $ref }) => typeOf($ref)),
    event_types,
  );
});

t.test('every reference leads somewhere, and every component is referred to', async (t) => {
  const refs = new Set([...walk(document)].map(([node]) => node.$ref).filter((ref) => typeof ref === 'string'));
  for (const $ref of refs) t.ok(resolve(document, { $ref }), $ref);
  for (const kind of ['schemas', 'responses', 'examples', 'headers', 'parameters'])
    for (const name of Object.keys(document.components[kind] ?? {}))
      t.ok(refs.has(`#/components/${kind}/${name}`), `${kind}/${name}`);
});

t.test('a choice of forms says which value of its discriminator means which form', async (t) => {
  const choices = [...walk(document)].filter(([node]) => 'discriminator' in node && 'oneOf' in node);
  t.ok(choices.length > 0);
  for (const [node, place] of choices) {
    const { mapping } = node.discriminator as { mapping?: Record<string, string> };
    const forms = (node.oneOf as { $ref: string }[]).map(({ $ref }) => $ref);
    t.same(Object.values(mapping ?? {}), forms, place);
    t.notOk('' in (mapping ?? {}), place);
  }
});

t.test('no word of our own validation is in it', async (t) => {
  for (const [node, place] of walk(document)) {
    const is_named_by_us = /\/(properties|examples)$|\/value(\/|$)|\/examples\/\d/.test(place);
    if (is_named_by_us) continue;
    t.notOk('storableDeep' in node || 'example_names' in node || node.format === 'storable', place);
  }
});
