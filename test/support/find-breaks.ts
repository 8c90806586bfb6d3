import { isDeepStrictEqual } from 'node:util';
import { type Document, type DocumentedAnswer, type Operation, type Parameter, resolve } from './document.ts';
import { formsOf, least, most, type Schema, type Shape, shapeOf } from './shape.ts';

/** What a client made for one document stumbles over in another: which promise, where, and in which words. */
export interface Break {
  rule: string;
  place: string;
  said: string;
}

type Pair<T> = [released: T, present: T];

/** Everything in which `present` breaks a promise of `released`; what it adds breaks none. */
export function findBreaks(released: Document, present: Document): Break[] {
  const schemas = Object.keys(released.components.schemas).filter((name) => !present.components.schemas[name]);
  const paths = Object.entries(released.paths).flatMap(([path, methods]) => {
    const there = present.paths[path];
    if (!there) return [{ rule: 'path removed', place: path, said: 'is gone' }];
    return Object.entries(methods).flatMap(([method, operation]) => {
      const place = `${method.toUpperCase()} ${path}`;
      const now = there[method];
      if (!now) return [{ rule: 'method removed', place, said: 'is gone' }];
      return compareOperations([released, present], [operation, now], place);
    });
  });
  return [...schemas.map((place) => ({ rule: 'schema removed', place, said: 'is gone' })), ...paths];
}

function compareOperations(documents: Pair<Document>, operations: Pair<Operation>, place: string): Break[] {
  const [was, is] = operations;
  return [
    ...(was.operationId === is.operationId ? [] : [{ rule: 'operation renamed', place, said: `is ${is.operationId}` }]),
    ...(isDeepStrictEqual(was.security, is.security)
      ? []
      : [{ rule: 'scope changed', place, said: `needs ${JSON.stringify(is.security)}` }]),
    ...compareParameters(documents, operations, place),
    ...compareBodies(documents, operations, place),
    ...Object.entries(was.responses).flatMap(([status, answer]) => {
      const now = is.responses[status];
      if (!now) return [{ rule: 'status removed', place: `${place} ${status}`, said: 'is gone' }];
      return compareAnswers(documents, [answer, now], `${place} ${status}`);
    }),
  ];
}

function compareParameters(documents: Pair<Document>, operations: Pair<Operation>, place: string): Break[] {
  const [was, is] = [0, 1].map((side) => {
    const document = documents[side as 0 | 1];
    const all = (operations[side as 0 | 1].parameters ?? []).map((one) => resolve(document, one));
    return new Map(all.map((one): [string, Parameter] => [`${one.in} ${one.name.toLowerCase()}`, one]));
  }) as Pair<Map<string, Parameter>>;
  const demanded = [...is].filter(([name, now]) => now.required && !was.get(name)?.required);
  return [
    ...demanded.map(([name]) => ({ rule: 'newly required', place: `${place} ${name}`, said: 'has to be sent' })),
    ...[...was].flatMap(([name, before]) => {
      const now = is.get(name);
      if (!now) return [{ rule: 'parameter removed', place: `${place} ${name}`, said: 'is gone' }];
      return compareRequests(documents, [before.schema, now.schema], `${place} ${name}`);
    }),
  ];
}

function compareBodies(documents: Pair<Document>, [was, is]: Pair<Operation>, place: string): Break[] {
  const said = { place: `${place} body`, said: 'has to be sent' };
  const demanded = is.requestBody?.required && !was.requestBody?.required ? [{ rule: 'newly required', ...said }] : [];
  const media = Object.entries(was.requestBody?.content ?? {}).flatMap(([type, { schema }]) => {
    const now = is.requestBody?.content[type]?.schema;
    if (!now) return [{ rule: 'body removed', place: `${place} body ${type}`, said: 'is not taken any more' }];
    return compareRequests(documents, [schema, now], `${place} body`);
  });
  return [...demanded, ...media];
}

function compareAnswers(documents: Pair<Document>, answers: Pair<DocumentedAnswer>, place: string): Break[] {
  const [was, is] = [resolve(documents[0], answers[0]), resolve(documents[1], answers[1])];
  const headers = Object.keys(was.headers ?? {}).filter((name) => !is.headers?.[name]);
  const media = Object.entries(was.content ?? {}).flatMap(([type, { schema }]) => {
    const now = is.content?.[type]?.schema;
    if (!now) return [{ rule: 'answer removed', place: `${place} ${type}`, said: 'is not answered any more' }];
    return compareResults(documents, [schema, now], place);
  });
  return [...headers.map((name) => ({ rule: 'header removed', place: `${place} ${name}`, said: 'is gone' })), ...media];
}

/** What was good to send still is: each form that was taken fits one that is. */
function compareRequests(documents: Pair<Document>, [was, is]: Pair<Schema>, place: string): Break[] {
  const forms = formsOf(documents[1], is);
  return formsOf(documents[0], was).flatMap((form) => {
    const found = forms.map((now) => compareForms(documents, [form, now], place));
    return found.reduce((one, other) => (other.length < one.length ? other : one));
  });
}

function compareForms(documents: Pair<Document>, schemas: Pair<Schema>, place: string): Break[] {
  const [was, is] = shapesOf(documents, schemas);
  const refused = (was.types ?? ['anything']).filter((type) => is.types && !is.types.includes(type));
  if (refused.length > 0) return [{ rule: 'type changed', place, said: `takes no ${refused.join(', ')} any more` }];
  const demanded = [...is.members].filter(([name, now]) => now.is_required && !was.members.get(name)?.is_required);
  return [
    ...narrowedValues(was, is, place),
    ...tightenedBounds(was, is, place),
    ...(is.is_closed && !was.is_closed
      ? [{ rule: 'bound tightened', place, said: 'takes no other members any more' }]
      : []),
    ...demanded.map(([name]) => ({ rule: 'newly required', place: `${place}/${name}`, said: 'has to be sent' })),
    ...compareMembers([was, is], place, (pair, name) => compareRequests(documents, pair, `${place}/${name}`)),
  ];
}

function narrowedValues(was: Shape, is: Shape, place: string): Break[] {
  const { values } = is;
  if (!values) return [];
  if (!was.values) return [{ rule: 'request value removed', place, said: 'is a closed list now' }];
  const gone = was.values.filter((value) => !values.includes(value));
  return gone.map((value) => ({
    rule: 'request value removed',
    place: `${place} ${value}`,
    said: 'is not taken any more',
  }));
}

function tightenedBounds(was: Shape, is: Shape, place: string): Break[] {
  const tightened = [...is.bounds].filter(([name, value]) => {
    const before = was.bounds.get(name);
    if (least.includes(name)) return Number(value) > Number(before ?? Number.NEGATIVE_INFINITY);
    if (most.includes(name)) return Number(value) < Number(before ?? Number.POSITIVE_INFINITY);
    return value !== before;
  });
  return tightened.map(([name, value]) => ({
    rule: 'bound tightened',
    place: `${place} ${name}`,
    said: `is ${value}`,
  }));
}

/** What could be read still can be: of a choice, any of its forms may come. */
function compareResults(documents: Pair<Document>, schemas: Pair<Schema>, place: string): Break[] {
  const [was, is] = shapesOf(documents, schemas);
  const types = (is.types ?? ['anything']).filter((type) => was.types && !was.types.includes(type));
  if (types.length > 0) return [{ rule: 'type changed', place, said: `may be ${types.join(', ')} now` }];
  const format = was.bounds.get('format');
  const doubtful = [...was.members].filter(
    ([name, before]) => before.is_required && is.members.get(name)?.is_required === false,
  );
  const gone = (was.values ?? []).filter((value) => is.values && !is.values.includes(value));
  return [
    ...(is.bounds.get('format') === format ? [] : [{ rule: 'type changed', place, said: `is no ${format} any more` }]),
    ...gone.map((value) => ({ rule: 'answer value removed', place: `${place} ${value}`, said: 'never comes' })),
    ...doubtful.map(([name]) => ({ rule: 'no longer promised', place: `${place}/${name}`, said: 'may be missing' })),
    ...compareMembers([was, is], place, (pair, name) => compareResults(documents, pair, `${place}/${name}`)),
  ];
}

function compareMembers(
  [was, is]: Pair<Shape>,
  place: string,
  compare: (schemas: Pair<Schema>, name: string) => Break[],
): Break[] {
  const named = [...was.members].flatMap(([name, { schema }]) => {
    const now = is.members.get(name);
    if (!now) return [{ rule: 'member removed', place: `${place}/${name}`, said: 'is gone' }];
    return compare([schema, now.schema], name);
  });
  const items = was.items && is.items ? compare([was.items, is.items], '0') : [];
  const others = was.others && is.others ? compare([was.others, is.others], '*') : [];
  return [...named, ...items, ...others];
}

const shapesOf = ([released, present]: Pair<Document>, [was, is]: Pair<Schema>): Pair<Shape> => [
  shapeOf(released, was),
  shapeOf(present, is),
];
