import { placeExample } from './place-examples.ts';

type Node = Record<string, unknown>;
type Nodes = Record<string, Node>;

interface Operation {
  parameters?: Node[];
  requestBody?: { required?: boolean; content: Record<string, Node> };
  responses: Record<string, { headers?: Nodes; content?: Record<string, { examples?: Nodes } & Node> } & Node>;
}

interface OpenDocument {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Nodes>;
}

/** Words of ours that only validation knows. */
const internal_keywords = ['storableDeep', 'example_names'];
const internal_format = 'storable';

/**
 * Turns what the generator wrote into the document that is served: nothing internal, discriminators mapped, bodies that
 * may be left out said to be optional, and whatever stands in many operations moved to `components`.
 */
export function finishDocument(generated: object): object {
  const document = structuredClone(generated) as OpenDocument;
  const { components, paths } = document;
  for (const schema of Object.values(components.schemas ?? {})) mapDiscriminator(schema, components.schemas ?? {});
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    describeBody(operation, components.schemas ?? {});
    placeExamples(operation, components.schemas ?? {});
    shareParameters(operation, components);
    shareAnswers(operation, components);
  }
  return withoutInternals(document) as object;
}

/** Ajv refuses `mapping`, readers want it. */
function mapDiscriminator(schema: Node, schemas: Nodes): void {
  const discriminator = schema.discriminator as { propertyName: string; mapping?: Node } | undefined;
  if (!discriminator) return;
  const branches = (schema.oneOf as { $ref: string }[]).map(({ $ref }) => {
    const properties = named($ref, schemas)?.properties as Record<string, { enum?: string[] }> | undefined;
    return [properties?.[discriminator.propertyName]?.enum?.[0] ?? '', $ref];
  });
  discriminator.mapping = Object.fromEntries(branches);
}

function describeBody({ requestBody }: Operation, schemas: Nodes): void {
  for (const media of Object.values(requestBody?.content ?? {})) {
    const schema = named((media.schema as { $ref?: string }).$ref ?? '', schemas) ?? {};
    if (requestBody && Array.isArray(schema.type) && schema.type.includes('null')) requestBody.required = false;
    const names = schema.example_names as string[] | undefined;
    const examples = (schema.examples ?? []) as unknown[];
    const named_ones = names?.map((summary, place) => [snake(summary), { summary, value: examples[place] }]);
    if (named_ones) media.examples = Object.fromEntries(named_ones);
  }
}

/** Where this operation has the faults of its examples. */
function placeExamples({ parameters = [], requestBody, responses }: Operation, schemas: Nodes): void {
  const body = requestBody?.content['application/json']?.schema as Node | undefined;
  for (const { content } of Object.values(responses)) {
    for (const example of Object.values(content?.['application/problem+json']?.examples ?? {})) {
      example.value = placeExample(example.value as never, { parameters: parameters as never, body, schemas });
    }
  }
}

function shareParameters(operation: Operation, components: Record<string, Nodes>): void {
  const shared = (operation.parameters ?? []).map((parameter) =>
    parameter.in === 'header' ? share(components, 'parameters', pascal(String(parameter.name)), parameter) : parameter,
  );
  if (shared.length > 0) operation.parameters = shared;
}

function shareAnswers(operation: Operation, components: Record<string, Nodes>): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    shareEach(response.headers, (name, header) => share(components, 'headers', pascal(name), header));
    const examples = response.content?.['application/problem+json']?.examples;
    shareEach(examples, (code, example) => share(components, 'examples', code, example));
    const [code, another] = Object.keys(examples ?? {});
    if (code !== undefined && another === undefined)
      operation.responses[status] = share(components, 'responses', pascal(code), response);
  }
}

function shareEach(things: Nodes | undefined, shared: (name: string, thing: Node) => Node): void {
  if (things) for (const [name, thing] of Object.entries(things)) things[name] = shared(name, thing);
}

/** A reference to the component of this name; the thing itself where a different one has the name already. */
function share<T extends Node>(components: Record<string, Nodes>, kind: string, name: string, thing: T): T {
  components[kind] ??= {};
  const known = components[kind][name];
  if (known && JSON.stringify(known) !== JSON.stringify(thing)) return thing;
  components[kind][name] = thing;
  return { $ref: `#/components/${kind}/${name}` } as unknown as T;
}

const named = (ref: string, schemas: Nodes): Node | undefined => schemas[ref.replace('#/components/schemas/', '')];

const snake = (text: string) => text.toLowerCase().replace(/\W+/g, '_');
const pascal = (name: string) => name.replace(/(?:^|[_-])(\w)/g, (_, letter: string) => letter.toUpperCase());

function withoutInternals(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutInternals);
  if (node === null || typeof node !== 'object') return node;
  const kept = Object.entries(node).filter(
    ([key, value]) => !internal_keywords.includes(key) && !(key === 'format' && value === internal_format),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutInternals(value)]));
}
