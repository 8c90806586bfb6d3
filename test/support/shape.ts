import { type Document, resolve } from './document.ts';

/** A JSON schema of the API document. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  [keyword: string]: unknown;
}

/** What a schema says of a value, choices and references dissolved. */
export interface Shape {
  /** Null: any. `integer` apart from `number`. */
  types: string[] | null;
  /** Null: not a closed list. */
  values: unknown[] | null;
  members: Map<string, { schema: Schema; is_required: boolean }>;
  items: Schema | null;
  /** Of members that the schema does not name, where it says what they are. */
  others: Schema | null;
  /** No other members may come. */
  is_closed: boolean;
  /** Keywords that narrow a value: `maxLength`, `pattern`, `format` … */
  bounds: Map<string, unknown>;
}

export const least = ['minLength', 'minimum', 'exclusiveMinimum', 'minItems', 'minProperties'];
export const most = ['maxLength', 'maximum', 'exclusiveMaximum', 'maxItems', 'maxProperties'];
const exact = ['pattern', 'format', 'multipleOf', 'uniqueItems'];

/** The forms of a choice, or the one form that a schema is; null as a form of its own. */
export function formsOf(document: Document, schema: Schema): Schema[] {
  const found = resolve(document, schema);
  const forms = found.oneOf ?? found.anyOf;
  return forms ? forms.flatMap((form) => formsOf(document, form)) : [found];
}

/** All that a value of this schema may be: of a choice the sum of its forms. */
export function shapeOf(document: Document, schema: Schema): Shape {
  const found = resolve(document, schema);
  const { allOf = [], oneOf, anyOf } = found;
  const choice = (oneOf ?? anyOf)?.map((form) => shapeOf(document, form)).reduce(join);
  return [...allOf.map((part) => shapeOf(document, part)), ...(choice ? [choice] : [])].reduce(meet, ownShape(found));
}

function ownShape({ type, properties = {}, required = [], items, additionalProperties, ...rest }: Schema): Shape {
  const values = 'const' in rest ? [rest.const] : (rest.enum ?? null);
  const implied = values && type === undefined ? [...new Set(values.map(typeName))] : null;
  const members = Object.entries(properties).map(
    ([name, schema]) => [name, { schema, is_required: required.includes(name) }] as const,
  );
  return {
    types: type === undefined ? implied : [type].flat(),
    values,
    members: new Map(members),
    items: items ?? null,
    others: typeof additionalProperties === 'object' ? additionalProperties : null,
    is_closed: additionalProperties === false,
    bounds: new Map([...least, ...most, ...exact].filter((name) => name in rest).map((name) => [name, rest[name]])),
  };
}

const typeName = (value: unknown) => (value === null ? 'null' : typeof value);
const is_null = ({ types }: Shape) => types?.length === 1 && types[0] === 'null';

/** What fits one or the other. */
function join(one: Shape, other: Shape): Shape {
  const types = one.types && other.types && [...new Set([...one.types, ...other.types])];
  if (is_null(one)) return { ...other, types, values: other.values && [...other.values, null] };
  if (is_null(other)) return { ...one, types, values: one.values && [...one.values, null] };
  const names = new Set([...one.members.keys(), ...other.members.keys()]);
  const members = [...names].map((name) => {
    const found = [one.members.get(name), other.members.get(name)].flatMap((member) => member ?? []);
    const schema = { anyOf: found.map((member) => member.schema) };
    return [name, { schema, is_required: found.length === 2 && found.every((member) => member.is_required) }] as const;
  });
  return {
    types,
    values: one.values && other.values && [...new Set([...one.values, ...other.values])],
    members: new Map(members),
    items: either(one.items, other.items, 'anyOf'),
    others: either(one.others, other.others, 'anyOf'),
    is_closed: one.is_closed && other.is_closed,
    bounds: new Map([...one.bounds].filter(([name, value]) => other.bounds.get(name) === value)),
  };
}

/** What fits both. */
function meet(one: Shape, other: Shape): Shape {
  const names = new Set([...one.members.keys(), ...other.members.keys()]);
  const members = [...names].map((name) => {
    const found = [one.members.get(name), other.members.get(name)].flatMap((member) => member ?? []);
    const schema = { allOf: found.map((member) => member.schema) };
    return [name, { schema, is_required: found.some((member) => member.is_required) }] as const;
  });
  return {
    types:
      one.types && other.types ? one.types.filter((type) => other.types?.includes(type)) : (one.types ?? other.types),
    values:
      one.values && other.values
        ? one.values.filter((value) => other.values?.includes(value))
        : (one.values ?? other.values),
    members: new Map(members),
    items: either(one.items, other.items, 'allOf'),
    others: either(one.others, other.others, 'allOf'),
    is_closed: one.is_closed || other.is_closed,
    bounds: new Map([...one.bounds, ...other.bounds]),
  };
}

const either = (one: Schema | null, other: Schema | null, how: 'anyOf' | 'allOf') =>
  one && other ? { [how]: [one, other] } : (one ?? other);
