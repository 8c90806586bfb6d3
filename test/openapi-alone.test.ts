import { readFile } from 'node:fs/promises';
import { Webhook } from 'standardwebhooks';
import t from 'tap';
import { message_errors } from '../src/features/messages/message-error-kinds.ts';
import { type Document, type Operation, resolve } from './support/document.ts';

/** What somebody needs who has nothing but the document. */

const document = JSON.parse(await readFile(new URL('../openapi/openapi.json', import.meta.url), 'utf8')) as Document & {
  info: { description: string };
  tags: { name: string; description: string }[];
};
const operations: Operation[] = Object.values(document.paths).flatMap((methods) => Object.values(methods));

type Schema = {
  $ref?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  oneOf?: Schema[];
  anyOf?: Schema[];
};

function knows(given: Schema, [name, ...rest]: string[]): boolean {
  if (name === undefined) return true;
  const { properties, additionalProperties, oneOf = [], anyOf = [] } = resolve(document, given);
  const member = properties?.[name];
  if (member) return knows(member, rest);
  return Boolean(additionalProperties) || [...oneOf, ...anyOf].some((form) => knows(form, [name, ...rest]));
}

function hasPlace({ parameters = [], requestBody }: Operation, pointer: string): boolean {
  const where = { '?': 'query', ':': 'path' }[pointer.charAt(0)];
  const known = parameters.map((parameter) => resolve(document, parameter));
  if (where) return known.some((parameter) => parameter.in === where && parameter.name === pointer.slice(1));
  const body = requestBody?.content['application/json']?.schema as Schema | undefined;
  return body !== undefined && knows(body, pointer.slice(1).split('/'));
}

type Told = { code: string; errors: { pointer: string }[] };

const problemsOf = (operation: Operation): Told[] =>
  Object.values(operation.responses)
    .flatMap((answer) => Object.values(resolve(document, answer).content?.['application/problem+json']?.examples ?? {}))
    .map((example) => resolve(document, example).value as Told);

t.test('a problem example points to something that its operation has', async (t) => {
  const told = operations.flatMap((operation) => problemsOf(operation).map((problem) => ({ operation, problem })));
  t.ok(told.length > 400);
  for (const { operation, problem } of told) {
    const said = `${operation.operationId} ${problem.code}`;
    t.ok(problem.code !== 'validation_failed' || problem.errors.length > 0, said);
    const pointers = problem.errors.map(({ pointer }) => pointer).filter((pointer) => pointer !== '');
    for (const pointer of pointers) t.ok(hasPlace(operation, pointer), `${said}: ${pointer}`);
  }
});

t.test('a start points to its contact, an endpoint to its url, a feed to its cursor', async (t) => {
  const pointersOf = (id: string, code: string) => {
    const operation = operations.find(({ operationId }) => operationId === id);
    const problem = operation && problemsOf(operation).find((one) => one.code === code);
    return problem?.errors.map(({ pointer }) => pointer);
  };
  t.same(pointersOf('startAttendance', 'phone_invalid'), ['/contact/phone']);
  t.same(pointersOf('createWebhookEndpoint', 'url_not_allowed'), ['/url']);
  t.same(pointersOf('listEvents', 'cursor_invalid'), ['?after']);
  t.same(pointersOf('sendMessage', 'contact_opted_out'), [':attendance_id']);
  t.same(pointersOf('previewTemplate', 'template_parameters_invalid'), ['/parameters/body.1']);
  t.same(pointersOf('createContact', 'validation_failed'), ['/phone']);
  t.same(pointersOf('getTeam', 'validation_failed'), [':team_id']);
  t.same(pointersOf('lookupContact', 'validation_failed'), ['?phone']);
});

t.test('every code that a message may fail with is in it, and every code of a field', async (t) => {
  const { MessageError, FieldProblem } = document.components.schemas as Record<
    string,
    { properties: { code: { description: string } } }
  >;
  for (const code of Object.keys(message_errors))
    t.match(MessageError?.properties.code.description, `\`${code}\``, code);
  for (const code of ['missing', 'unknown_field', 'wrong_type', 'out_of_range', 'blank', 'forbidden_characters'])
    t.match(FieldProblem?.properties.code.description, `\`${code}\``, code);
});

t.test('what holds for all operations is said once, ahead of them', async (t) => {
  for (const word of ['request_timeout', 'headers_too_large', 'Idempotency-Key', 'next_cursor', 'Newest first', '429'])
    t.match(document.info.description, word);
});

t.test('a receiver can be written by it: its signature is the one that a library comes to', async (t) => {
  const { description } = document.tags.find(({ name }) => name === 'Webhooks') ?? {};
  const [, secret = '', id = '', timestamp = '', body = '', signature = ''] =
    /secret `(.+?)`, the id `(.+?)`, the timestamp `(.+?)` and the body `(.+?)` it is `(.+?)`/.exec(
      description ?? '',
    ) ?? [];
  t.equal(new Webhook(secret).sign(id, new Date(Number(timestamp) * 1_000), body), signature);
  const { WebhookEndpointWithSecret } = document.components.schemas as Record<string, { examples: object[] }>;
  t.match(WebhookEndpointWithSecret?.examples[0], { secret });
});
