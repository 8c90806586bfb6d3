import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { Test } from 'tap';
import type { InboundEvent } from '../../src/providers/inbound.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { faultsOf } from './inbound-events.ts';
import type { InboundCase, ProviderFixtures } from './provider-fixtures.ts';

type Step = string | number;

const received_at = new Date('2026-11-22T12:00:00.000Z');
const plain_rubbish = [null, true, 0, 'text', '', [], {}, [[]], [null], { entry: 7 }, { data: null }, { event: [] }];

/** Judges what a provider makes of its webhooks, all providers alike. */
export async function conformInbound(t: Test, provider: Provider, fixtures: ProviderFixtures): Promise<void> {
  const parse = (body: unknown): InboundEvent[] => provider.inbound.parse(body, fixtures.credentials, received_at);
  await t.test('what each body becomes', (t) => becomes(t, parse, fixtures));
  await t.test('what every provider brings', (t) => brings(t, provider, fixtures));
  await t.test('each field dropped, one at a time', (t) => dropped(t, parse, fixtures));
  await t.test('rubbish', (t) => rubbish(t, parse, fixtures));
  await t.test('any JSON, anywhere in a body', (t) => anything(t, parse, fixtures));
  await t.test('signature', (t) => signature(t, provider, fixtures));
}

function casesOf({ inbound }: ProviderFixtures): InboundCase[] {
  const { text, statuses, echo, group, other_number, others } = inbound;
  return [text, ...Object.values(statuses), echo, group, other_number, ...others];
}

async function becomes(t: Test, parse: (body: unknown) => InboundEvent[], fixtures: ProviderFixtures): Promise<void> {
  const { credentials } = fixtures;
  const secrets = Object.entries(credentials).filter(([name]) => /token|key|secret/.test(name));
  for (const { title, body, expected } of casesOf(fixtures)) {
    const before = structuredClone(body);
    const events = parse(body);
    t.match(events, expected, title);
    t.equal(events.length, expected.length, `${title}: neither more nor fewer`);
    t.same(events.flatMap(faultsOf), [], `${title}: well-formed`);
    t.ok(isDeepStrictEqual(parse(body), events) && isDeepStrictEqual(body, before), `${title}: the same again`);
    const told = JSON.stringify(events);
    t.same(
      secrets.filter(([, secret]) => told.includes(secret)).map(([name]) => name),
      [],
      `${title}: tells no secret`,
    );
  }
}

async function brings(t: Test, { capabilities }: Provider, { inbound }: ProviderFixtures): Promise<void> {
  const { text, statuses, echo, group, other_number } = inbound;
  t.match(text.expected, [{ kind: 'message', type: 'text', opens: true, text: /./, from: { profile_name: /./ } }]);
  t.match(echo.expected, [{ kind: 'echo' }]);
  t.match(group.expected, [{ kind: 'ignored', reason: 'group' }]);
  t.match(other_number.expected, [{ kind: 'ignored', reason: 'other_number' }]);
  for (const one of [text, echo, group, other_number]) t.equal(one.expected.length, 1, `${one.title}: one item`);
  const facts = Object.keys(statuses);
  for (const [fact, { expected }] of Object.entries(statuses)) t.match(expected[0], { kind: 'status', fact });
  t.equal(capabilities.reports_status, facts.includes('delivered') && facts.includes('read'));
}

/** A body of n items, shortened by any member, has at most n events, at least one, and none that is malformed. */
async function dropped(t: Test, parse: (body: unknown) => InboundEvent[], fixtures: ProviderFixtures): Promise<void> {
  for (const { title, body, expected } of casesOf(fixtures)) {
    const faults: string[] = [];
    const paths = pathsIn(body);
    for (const path of paths) {
      const events = parse(changed(body, path, () => undefined));
      const count_is_right = events.length >= 1 && events.length <= expected.length;
      const found = [...events.flatMap(faultsOf), ...(count_is_right ? [] : [`${events.length} events`])];
      faults.push(...found.map((fault) => `without ${path.join('.')}: ${fault}`));
    }
    t.same(faults, [], `${title}: ${paths.length} fields`);
  }
}

async function rubbish(
  t: Test,
  parse: (body: unknown) => InboundEvent[],
  { inbound }: ProviderFixtures,
): Promise<void> {
  for (const body of [...plain_rubbish, ...inbound.rubbish]) {
    const events = parse(body);
    const title = JSON.stringify(body).slice(0, 120);
    t.ok(events.length > 0 && events.every(({ kind }) => kind === 'ignored'), title);
    t.same(events.flatMap(faultsOf), [], title);
  }
}

async function anything(t: Test, parse: (body: unknown) => InboundEvent[], fixtures: ProviderFixtures): Promise<void> {
  const judge = (body: unknown): boolean => {
    const events = parse(body);
    return events.length > 0 && events.every((event) => faultsOf(event).length === 0);
  };
  const json = fc.jsonValue({ stringUnit: 'binary' }) as fc.Arbitrary<unknown>;
  const odd = fc.oneof(
    json,
    fc.constantFrom<unknown>(null, '', 0, -1, 1e300, [], {}, '\u0000', '\ud800', 'constructor', '__proto__'),
  );
  fc.assert(fc.property(json, judge), { numRuns: 300 });
  const places = casesOf(fixtures).flatMap(({ body }) => pathsIn(body).map((path) => ({ body, path })));
  const placed = fc.record({ place: fc.constantFrom(...places), value: odd });
  fc.assert(
    fc.property(placed, ({ place, value }) => judge(changed(place.body, place.path, () => value))),
    { numRuns: 2_000 },
  );
  t.pass('holds');
}

async function signature(t: Test, { inbound }: Provider, fixtures: ProviderFixtures): Promise<void> {
  const { signed } = fixtures.inbound;
  const { isSigned } = inbound;
  t.equal(isSigned !== undefined, signed !== undefined, 'who signs brings a signed body');
  if (!isSigned || !signed) return;
  const { credentials } = fixtures;
  t.equal(isSigned(signed, credentials), true, 'the right one');
  t.notOk(isSigned({ ...signed, headers: {} }, credentials), 'without headers');
  t.notOk(isSigned({ ...signed, raw: Buffer.concat([signed.raw, Buffer.from(' ')]) }, credentials), 'a byte more');
  const accepted: string[] = [];
  for (const [name, value] of Object.entries(signed.headers).filter(([, value]) => /[0-9a-f]{40}/.test(value))) {
    t.notOk(isSigned({ ...signed, headers: { ...signed.headers, [name]: [value, value] } }, credentials), 'twice');
    fc.assert(
      fc.property(mutated(value), (mutation) => {
        const is_other = mutation !== value;
        const is_accepted = isSigned({ ...signed, headers: { ...signed.headers, [name]: mutation } }, credentials);
        if (is_other && is_accepted) accepted.push(mutation);
        return !is_other || !is_accepted;
      }),
      { numRuns: 1_000 },
    );
  }
  t.same(accepted, [], 'no mutation passes');
}

/** One character exchanged, dropped or added, the case changed, or anything at all. */
function mutated(value: string): fc.Arbitrary<string> {
  const at = fc.nat(value.length - 1);
  const character = fc.constantFrom(...'0123456789abcdefABCDEF= \n');
  return fc.oneof(
    fc.tuple(at, character).map(([place, other]) => value.slice(0, place) + other + value.slice(place + 1)),
    at.map((place) => value.slice(0, place) + value.slice(place + 1)),
    fc.tuple(at, character).map(([place, other]) => value.slice(0, place) + other + value.slice(place)),
    fc.constantFrom(value.toUpperCase(), ` ${value}`, `${value}\n`, `${value},${value}`, ''),
    fc.string(),
  );
}

/** Every member and every element, by the way to it. */
function pathsIn(value: unknown, way: Step[] = []): Step[][] {
  if (typeof value !== 'object' || value === null) return [];
  const steps = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return steps.flatMap((step) => {
    const path = [...way, step];
    return [path, ...pathsIn((value as Record<Step, unknown>)[step], path)];
  });
}

/** A copy with another value in one place; undefined takes the member or element away. */
function changed(body: unknown, [step, ...rest]: Step[], change: () => unknown): unknown {
  if (step === undefined) return change();
  const copy = (Array.isArray(body) ? [...body] : { ...(body as object) }) as Record<Step, unknown>;
  const value = changed(copy[step], rest, change);
  if (value !== undefined)
    Object.defineProperty(copy, step, { value, enumerable: true, writable: true, configurable: true });
  else if (Array.isArray(copy)) copy.splice(Number(step), 1);
  else delete copy[step];
  return copy;
}
