import fc from 'fast-check';
import { type Document, resolve } from '../test/support/document.ts';

/** A schema as the document writes it, as far as requests use it. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: unknown[];
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  items?: Schema;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
}

/** Values that a member of this name is likely to be understood with: what is random alone never gets past the first rule. */
export type Hints = (name: string, parent: string) => fc.Arbitrary<unknown> | undefined;

export interface Maker {
  document: Document;
  hints: Hints;
  /** What providers call in, and things beside it. */
  calls: fc.Arbitrary<string | Uint8Array | undefined>;
}

const long_text = 5_000;
const words = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'Ana',
      'João Ávila',
      'Comercial',
      ' x ',
      '%_\\',
      '{{1}}',
      '👩‍👩‍👧',
      'İ',
      '\u202e',
      'a\nb',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
);

/** Fits the schema by its own word; at its bounds about every fourth time. */
export function valuesOf(maker: Maker, given: Schema, name = '', parent = ''): fc.Arbitrary<unknown> {
  const schema = resolve(maker.document, given);
  const forms = schema.oneOf ?? schema.anyOf;
  if (forms) return fc.oneof(...forms.map((form) => valuesOf(maker, form, name, parent)));
  const types = [schema.type ?? 'object'].flat();
  const own = types.filter((type) => type !== 'null').map((type) => typed(maker, schema, type, name, parent));
  const hinted = maker.hints(name, parent);
  const arbitrary = fc.oneof(
    { weight: 3, arbitrary: fc.oneof(...own) },
    ...(hinted ? [{ weight: 9, arbitrary: hinted }] : []),
  );
  return types.includes('null')
    ? fc.oneof({ weight: 5, arbitrary }, { weight: 1, arbitrary: fc.constant(null) })
    : arbitrary;
}

function typed(maker: Maker, schema: Schema, type: string, name: string, parent: string): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum.filter((one) => one !== null));
  if (type === 'string') return texts(schema);
  if (type === 'integer') return integers(schema);
  if (type === 'boolean') return fc.boolean();
  if (type === 'array') return lists(maker, schema, name, parent);
  return objects(maker, schema, name);
}

function texts({ format, pattern, minLength = 0, maxLength = 200 }: Schema): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid();
  if (format === 'date-time') return times;
  if (format === 'email') return fc.emailAddress();
  const fits = (text: string) => [...text].length >= minLength && [...text].length <= maxLength;
  // The generator knows no look-ahead; what one excludes is refused by the filter.
  if (pattern) {
    const plain = new RegExp(pattern.replace(/\(\?![^)]*\)/, ''));
    return fc
      .stringMatching(plain, { maxLength: Math.min(maxLength, 60) })
      .filter((text) => fits(text) && new RegExp(pattern, 'u').test(text));
  }
  const bounds = ['a', 'é', '🙂'].flatMap((unit) => [unit.repeat(minLength), unit.repeat(maxLength)]);
  return fc.oneof({ weight: 3, arbitrary: words.filter(fits) }, { weight: 1, arbitrary: fc.constantFrom(...bounds) });
}

const times = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());

function integers({ minimum = 0, maximum = 1_000_000 }: Schema): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min: minimum, max: maximum }), fc.constantFrom(minimum, maximum));
}

function lists(maker: Maker, schema: Schema, name: string, parent: string): fc.Arbitrary<unknown[]> {
  const bounds = { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 5, 5) };
  const items = valuesOf(maker, schema.items ?? {}, name, parent);
  return schema.uniqueItems ? fc.uniqueArray(items, bounds) : fc.array(items, bounds);
}

function objects(maker: Maker, schema: Schema, name: string): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const members = Object.entries(properties).map(([key, member]) => [key, valuesOf(maker, member, key, name)] as const);
  if (members.length > 0) {
    const record = fc.record(Object.fromEntries(members), { requiredKeys: required, noNullPrototype: true });
    return record.filter((one) => Object.keys(one).length >= (schema.minProperties ?? 0));
  }
  if (additionalProperties === false) return fc.constant({});
  const values =
    typeof additionalProperties === 'object' ? valuesOf(maker, additionalProperties) : fc.jsonValue({ maxDepth: 3 });
  const most = schema.maxProperties ?? 10;
  const full = fc.constant(Object.fromEntries(Array.from({ length: most }, (_, i) => [`k${i}`, 'v'])));
  const some = fc.dictionary(fc.string({ maxLength: 20 }), values, {
    maxKeys: Math.min(most, 6),
    noNullPrototype: true,
  });
  return fc.oneof({ weight: 5, arbitrary: some }, { weight: 1, arbitrary: full });
}

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

/** What nobody asked for. */
export const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    0.5,
    1e308,
    -1e308,
    9_007_199_254_740_992,
    2147483648,
    '',
    ' ',
    '\t',
    [],
    {},
    [null],
    [[]],
  ),
  fc.constantFrom<unknown>(
    'x'.repeat(long_text),
    '🙂'.repeat(300),
    '\u0000',
    'a\u0000b',
    '\ud800',
    'x\udfff',
    '1',
    'true',
    'null',
    'undefined',
  ),
  fc.constantFrom<unknown>(
    '2026-02-30T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '2026-06-30T23:59:60Z',
    '2026-01-01',
    '+999999-01-01T00:00:00Z',
  ),
  fc.constantFrom<unknown>(
    "' or 1=1 --",
    '%00',
    '../../..',
    '{{7*7}}',
    '<script>',
    '\\u0000',
    'NaN',
    'Infinity',
    '-0',
    '1e400',
  ),
  fc.constantFrom<unknown>(
    '00000000-0000-0000-0000-000000000000',
    'urn:uuid:019a0000-0000-7000-8000-000000000001',
    '019A0000-0000-7000-8000-000000000001',
    '{019a0000-0000-7000-8000-000000000001}',
  ),
  fc.constantFrom<unknown>(
    nested(40),
    nested(200),
    Array.from({ length: 300 }, (_, i) => i),
    { constructor: { prototype: {} } },
    JSON.parse('{"__proto__":{"a":1}}'),
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

type Place = (string | number)[];

function placesOf(value: unknown, at: Place = []): Place[] {
  if (value === null || typeof value !== 'object') return [at];
  return [at, ...Object.entries(value).flatMap(([key, member]) => placesOf(member, [...at, key]))];
}

const blows = {
  replace: (_: unknown, other: unknown) => other,
  // What is undefined is left out where it is written as JSON.
  remove: () => undefined,
  add: (value: unknown, other: unknown, key: string) => (isRecord(value) ? { ...value, [key]: other } : other),
  lengthen: (value: unknown, other: unknown) => lengthened(value) ?? other,
  twice: (value: unknown) => [value, value],
};

/** One thing of a fitting value is off: replaced, missing, unknown, too long or there twice. It may fit all the same. */
export function mutated(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const acts = fc.constantFrom(...Object.values(blows));
  return fc.tuple(values, fc.nat(), acts, junk, words).map(([value, nth, act, other, key]) => {
    const places = placesOf(value);
    return changed(value, places[nth % places.length] ?? [], (one) => act(one, other, key));
  });
}

function changed(value: unknown, [step, ...rest]: Place, act: (value: unknown) => unknown): unknown {
  if (step === undefined) return act(value);
  const copy = (Array.isArray(value) ? [...value] : { ...Object(value) }) as Record<string | number, unknown>;
  copy[step] = changed(copy[step], rest, act);
  return copy;
}

const isRecord = (value: unknown): value is object =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function lengthened(value: unknown): unknown {
  if (typeof value === 'string') return value + 'x'.repeat(long_text);
  if (typeof value === 'number') return value * 1e6 + 0.5;
  if (Array.isArray(value)) return Array.from({ length: 300 }, (_, i) => value[i % value.length] ?? null);
  return undefined;
}
