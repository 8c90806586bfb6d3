type Node = Record<string, unknown>;
type Nodes = Record<string, Node>;

/** What of an operation its faults can point to. */
export interface Places {
  parameters: { in: string; name: string; required?: boolean; schema?: Node }[];
  body: Node | undefined;
  schemas: Nodes;
}

type Fault = { pointer: string; code: string; detail: string };

/**
 * The example of a refusal, as this operation would give it: one example stands beside the code, and the operations that answer
 * with it have the fault in different places. What already points to something of the operation stays as it is.
 */
export function placeExample<T extends { code: string; errors: Fault[] }>(example: T, places: Places): T {
  const errors = example.errors.map((fault) => {
    if (fault.pointer === '' || isThere(fault.pointer, places)) return fault;
    if (example.code === 'validation_failed') return faultOf(places) ?? fault;
    return { ...fault, pointer: nearest(fault.pointer, places) ?? fault.pointer };
  });
  return { ...example, errors };
}

const parameter = ({ parameters }: Places, where: string, name: string) =>
  parameters.some((one) => one.in === where && one.name === name);

/** `/a/b` in the body, `?name` in the query, `:name` in the path. */
function isThere(pointer: string, places: Places): boolean {
  const name = pointer.slice(1);
  if (pointer.startsWith('?')) return parameter(places, 'query', name);
  if (pointer.startsWith(':')) return parameter(places, 'path', name);
  return places.body !== undefined && knows(places.body, name.split('/'), places.schemas);
}

function resolved(schema: Node, schemas: Nodes): Node {
  const { $ref } = schema as { $ref?: string };
  return $ref === undefined ? schema : (schemas[$ref.replace(/^.*\//, '').replace(/#$/, '')] ?? {});
}

function knows(given: Node, [name, ...rest]: string[], schemas: Nodes): boolean {
  if (name === undefined) return true;
  const { properties, additionalProperties, oneOf, anyOf } = resolved(given, schemas) as Record<string, unknown>;
  const member = (properties as Nodes | undefined)?.[name];
  if (member) return knows(member, rest, schemas);
  const forms = [...((oneOf as Node[]) ?? []), ...((anyOf as Node[]) ?? [])];
  return Boolean(additionalProperties) || forms.some((form) => knows(form, [name, ...rest], schemas));
}

/** By its name in path, query and body, by the end of its path, else what the operation is about: its last path parameter. */
function nearest(pointer: string, places: Places): string | undefined {
  const parts = pointer.slice(1).split('/');
  const last = parts.at(-1) ?? '';
  const name = last === 'id' ? `${parts.at(-2)}_id` : last;
  const ends = parts.map((_, place) => `/${parts.slice(place).join('/')}`);
  const found = [`:${name}`, `?${name}`, ...ends].find((one) => isThere(one, places));
  const about = places.parameters.filter((one) => one.in === 'path').at(-1);
  return found ?? (about && `:${about.name}`);
}

/** A fault of shape that the operation can have. */
function faultOf({ parameters, body, schemas }: Places): Fault | undefined {
  const { required = [], properties = {} } = (body ? resolved(body, schemas) : {}) as {
    required?: string[];
    properties?: Nodes;
  };
  const asked = parameters.find((one) => one.in === 'query' && one.required);
  const missing = required[0] ? `/${required[0]}` : asked && `?${asked.name}`;
  if (missing) return { pointer: missing, code: 'missing', detail: 'This member is required.' };
  const [name, type] = Object.entries(properties).find(([, { type }]) => type !== undefined) ?? [];
  const ofType = (said: unknown) => `Must be of type ${[said].flat().join(' or ')}.`;
  const member = type && { pointer: `/${name}`, code: 'wrong_type', detail: ofType(type.type) };
  const given = parameters.find(({ schema }) => schema?.type === 'integer' || schema?.format === 'uuid');
  if (member || !given) return member;
  const pointer = `${given.in === 'path' ? ':' : '?'}${given.name}`;
  return given.schema?.format === 'uuid'
    ? { pointer, code: 'wrong_format', detail: 'Is no valid uuid.' }
    : { pointer, code: 'wrong_type', detail: ofType('integer') };
}
