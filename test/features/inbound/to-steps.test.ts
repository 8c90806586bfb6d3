import t from 'tap';
import { type Placed, toParts, toSteps } from '../../../src/features/inbound/to-steps.ts';
import type { InboundEvent } from '../../../src/providers/inbound.ts';

const placeOf = (message_id: string) => ({ message_id, received_at: new Date(0) });
const wrote = (place: string, wa_id: string, over = {}) => {
  const from = { identities: [{ kind: 'wa_id', value: wa_id }], profile_name: null };
  const event = { kind: 'message', provider_message_id: place, from, reply_to: null, opens: true, ...over };
  return { event, place: placeOf(place) } as unknown as Placed;
};
const reported = (
  place: string,
  provider_message_id: string | null,
  correlator: string | null = null,
  fact = 'sent',
  identities: unknown[] = [],
) => {
  const event = { kind: 'status', provider_message_id, correlator, fact, identities };
  return { event, place: placeOf(place) } as unknown as Placed;
};
const other = (kind: InboundEvent['kind']) => ({ event: { kind }, place: placeOf(kind) }) as unknown as Placed;

const stepsOf = (placed: Placed[], touched: Record<string, string[]> = {}) => {
  const [part] = toParts(placed);
  if (!Array.isArray(part)) throw new Error('no part of messages and reports');
  const of_place = new Map(part.map(({ place }) => [place, touched[place.message_id] ?? []]));
  const ids = (all: Placed[]) => all.map(({ place }) => place.message_id);
  return toSteps(part, of_place).map(({ messages, statuses }) => [...ids(messages), ...ids(statuses)]);
};

t.test('different people share a step, one person has as many as events', async (t) => {
  t.same(stepsOf([wrote('a', '5531'), wrote('b', '5532'), wrote('c', '5531'), wrote('d', '+5531')]), [
    ['a', 'b'],
    ['c'],
    ['d'],
  ]);
});

t.test('what shares a message, a row, or somebody through a third has an order, too', async (t) => {
  t.same(stepsOf([reported('a', 'x', 'y'), reported('b', 'z'), reported('c', null, 'y')]), [['a', 'b'], ['c']]);
  t.same(stepsOf([wrote('a', '1'), wrote('b', '2')], { a: ['contact'], b: ['contact'] }), [['a'], ['b']]);
  t.same(stepsOf([reported('a', 'x', 'y'), wrote('b', '1', { reply_to: 'x' }), wrote('c', '1'), reported('d', 'x')]), [
    ['a'],
    ['b'],
    ['c'],
    ['d'],
  ]);
});

t.test('other facts of one message share its step, in their order', async (t) => {
  const of = (place: string, fact: string, value?: string) =>
    reported(place, 'x', 'y', fact, value ? [{ kind: 'wa_id', value }] : []);
  t.same(stepsOf([of('a', 'sent'), reported('b', 'z'), of('c', 'delivered'), of('d', 'read')]), [['a', 'b', 'c', 'd']]);
  t.same(stepsOf([of('a', 'sent'), of('b', 'sent'), of('c', 'read')]), [['a'], ['b', 'c']], 'but none twice');
  t.same(stepsOf([of('a', 'sent'), of('b', 'failed'), of('c', 'read')]), [['a'], ['b'], ['c']], 'and no failure');
  t.same(stepsOf([of('a', 'sent'), of('b', 'read', '5531')]), [['a'], ['b']], 'nor one that names somebody else');
  t.same(stepsOf([of('a', 'sent', '1'), wrote('b', '1'), of('c', 'read', '1')]), [['a'], ['b'], ['c']], 'nor later');
});

t.test('what may touch anybody is a part of its own, and what is ignored is none', async (t) => {
  const parts = toParts([wrote('a', '1'), other('ignored'), wrote('b', '2'), other('identity'), reported('c', 'x')]);
  t.same(
    parts.map((part) => (Array.isArray(part) ? part.map(({ place }) => place.message_id) : part.event.kind)),
    [['a', 'b'], 'identity', ['c']],
  );
});
