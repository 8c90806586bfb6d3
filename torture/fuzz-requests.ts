import fc from 'fast-check';
import { type Document, type Operation, resolve } from '../test/support/document.ts';
import { junk, type Maker, mutated, type Schema, valuesOf } from './fuzz-values.ts';

/** An id of something that exists, chosen when the request is sent: `@@contact:17@@`. */
const reference = /@@([a-z_]+):(\d+)@@/g;
const most_references = 1_000;

export const referTo = (kind: string): fc.Arbitrary<string> =>
  fc.nat(most_references).map((nth) => `@@${kind}:${nth}@@`);

/** A request as it is drawn; ids are still references. */
export interface Drawn {
  operation_id: string;
  method: string;
  path: string;
  query: [string, string][];
  headers: Record<string, string>;
  /** Undefined: none is sent. */
  body: string | Uint8Array | undefined;
}

export interface Operated {
  method: string;
  path: string;
  operation: Operation;
}

export const operationsOf = (document: Document): Operated[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );

/** Puts in the ids of what exists now. */
export const withIds = (text: string, find: (kind: string, nth: number) => string): string =>
  text.replace(reference, (_, kind: string, nth: string) => find(kind, Number(nth)));

/** Null `nils` times for each value. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>, nils: number): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 10, arbitrary }, { weight: 10 * nils, arbitrary: fc.constant(null) });

const rarely = <T>(usual: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>, weight = 12): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: seldom });

const bytes = fc.uint8Array({ maxLength: 400 });
const as_text = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
const junk_text = junk.map(as_text);

/** Any request that the document could have in mind for this operation, or one thing beside it. */
export function requestsOf(maker: Maker, { method, path, operation }: Operated): fc.Arbitrary<Drawn> {
  const parameters = (operation.parameters ?? []).map((one) => resolve(maker.document, one));
  const media = operation.requestBody?.content['application/json'];
  const calls = operation.operationId.startsWith('receiveInbound') ? maker.calls : undefined;
  const body = calls ? calls : media ? bodiesOf(contentsOf(maker, media.schema as Schema)) : bodyless(method);
  return fc
    .record({
      path: pathsOf(maker, path, parameters),
      query: queriesOf(maker, parameters),
      headers: headersOf(maker, parameters, media !== undefined),
      body,
    })
    .map((drawn) => ({ operation_id: operation.operationId, method, ...drawn }));
}

/** Whatever its schema allows; and its examples, since of many optional members few fit together. */
function contentsOf(maker: Maker, schema: Schema): fc.Arbitrary<unknown> {
  const { examples = [] } = resolve(maker.document, schema as { $ref?: string; examples?: unknown[] });
  const fitting = examples.map((example) => ofWhatExists(maker, example));
  const any = { weight: 3, arbitrary: valuesOf(maker, schema) };
  return fitting.length > 0 ? fc.oneof(any, { weight: 2, arbitrary: fc.oneof(...fitting) }) : any.arbitrary;
}

/** An example with its ids and numbers replaced by those that there are. */
function ofWhatExists(maker: Maker, example: unknown, name = '', parent = ''): fc.Arbitrary<unknown> {
  if (Array.isArray(example)) return fc.tuple(...example.map((one) => ofWhatExists(maker, one, name, parent)));
  if (example !== null && typeof example === 'object') {
    // A channel's default address is the provider's real one: nothing here is for it.
    const all = 'provider' in example ? { base_url: '', ...example } : example;
    const members = Object.entries(all).map(([key, value]) => [key, ofWhatExists(maker, value, key, name)]);
    return fc.record(Object.fromEntries(members) as Record<string, fc.Arbitrary<unknown>>, { noNullPrototype: true });
  }
  const is_of_world = typeof example === 'string' && /^(id|phone|base_url|.+_ids?)$/.test(name);
  return (is_of_world && maker.hints(name, parent)) || fc.constant(example);
}

type Parameters = NonNullable<Operation['parameters']>;

export function bodiesOf(values: fc.Arbitrary<unknown>): fc.Arbitrary<Drawn['body']> {
  const json = (arbitrary: fc.Arbitrary<unknown>) => arbitrary.map((value) => JSON.stringify(value));
  const torn = fc
    .tuple(json(values), fc.double({ min: 0, max: 1, noNaN: true }), junk_text)
    .map(([text = '', at, other]) => {
      const place = Math.floor(at * text.length);
      return at < 0.3 ? text.slice(0, place) : text.slice(0, place) + other.slice(0, 40) + text.slice(place);
    });
  return fc.oneof(
    { weight: 50, arbitrary: json(values) },
    { weight: 30, arbitrary: json(mutated(values)) },
    { weight: 4, arbitrary: json(mutated(mutated(values))) },
    { weight: 4, arbitrary: torn },
    { weight: 3, arbitrary: json(junk) },
    { weight: 3, arbitrary: bytes },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '',
        'null',
        '[',
        '1e400',
        '{"a":1e400}',
        '\ufeff{}',
        '{}{}',
        "{'a':1}",
        '{"name":"\xff"}',
      ),
    },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

/** Where nothing is taken something may come all the same. */
const bodyless = (method: string): fc.Arbitrary<Drawn['body']> =>
  method === 'GET' || method === 'DELETE'
    ? fc.constant(undefined)
    : fc.oneof(
        fc.constant(undefined),
        fc.constant('{}'),
        fc.constant('null'),
        junk.map((value) => JSON.stringify(value)),
        bytes,
      );

function pathsOf(maker: Maker, path: string, parameters: Parameters): fc.Arbitrary<string> {
  const places = parameters.filter((one) => one.in === 'path');
  const values = places.map((one) => {
    const good = valuesOf(maker, one.schema, one.name).map(String);
    return rarely(
      good,
      junk_text.map((text) => text.slice(0, 250)),
      15,
    ).map(encodeURIComponentOrNot);
  });
  return fc
    .tuple(...values)
    .map((drawn) => places.reduce((filled, { name }, place) => filled.replace(`{${name}}`, drawn[place] ?? ''), path));
}

/** Lone surrogates cannot be encoded; what would end the path must be. */
function encodeURIComponentOrNot(text: string): string {
  if (/^@@/.test(text)) return text;
  return encodeURIComponent(text.toWellFormed()) || '%20';
}

function queriesOf(maker: Maker, parameters: Parameters): fc.Arbitrary<[string, string][]> {
  const known = parameters.filter((one) => one.in === 'query');
  const chosen = known.map((one) => {
    const value = rarely(valuesOf(maker, one.schema, one.name).map(as_text), junk_text, 6);
    return maybe(value, one.required ? 0.1 : 2).map((text) => [one.name, text] as const);
  });
  const strange = maybe(
    fc.tuple(fc.constantFrom('x', 'limit[]', 'limit[a]', '__proto__', 'cursor', 'limit', ''), junk_text),
    20,
  );
  return fc.tuple(fc.tuple(...chosen), strange).map(([named, other]) => {
    const pairs = named.flatMap(([name, text]): [string, string][] => (text === null ? [] : [[name, text]]));
    if (other) pairs.push([other[0], other[1].slice(0, 600)]);
    return pairs;
  });
}

const languages = fc.constantFrom('pt-BR', 'en', '*', 'de, pt;q=0.1', 'x'.repeat(300), ';q=', 'pt_BR');
const types = fc.constantFrom(
  'text/plain',
  'application/xml',
  'multipart/form-data; boundary=x',
  'application/json; charset=latin1',
  'application/JSON',
  'x',
  'application/problem+json',
);

function headersOf(maker: Maker, parameters: Parameters, takes_body: boolean): fc.Arbitrary<Record<string, string>> {
  const named = parameters.filter((one) => one.in === 'header' && one.name !== 'Accept-Language');
  const drawn = named.map(({ name, schema }) => {
    const good = valuesOf(maker, schema, name).map(String);
    const value = rarely(good, junk_text, 8).map((text) => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 600));
    return maybe(value, 2).map((text) => [name.toLowerCase(), text] as const);
  });
  const language = maybe(languages, 4).map((text) => ['accept-language', text] as const);
  const type = takes_body
    ? rarely(fc.constant('application/json'), types, 30).map((text) => ['content-type', text] as const)
    : fc.constantFrom(
        ...([
          ['content-type', null],
          ['content-type', 'application/json'],
        ] as const),
      );
  const key = rarely(
    fc.constant('@@key:0@@'),
    fc.constantFrom('junk', '', '@@narrow_key:0@@', '@@revoked_key:0@@'),
    40,
  );
  return fc.tuple(key, type, language, ...drawn).map(([bearer, ...pairs]) => ({
    authorization: `Bearer ${bearer}`,
    ...Object.fromEntries(pairs.flatMap(([name, text]) => (text === null ? [] : [[name, text]]))),
  }));
}
