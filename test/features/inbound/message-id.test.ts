import t from 'tap';
import { v7 as uuid, validate, version } from 'uuid';
import { messageIdOf, most_places } from '../../../src/features/inbound/message-id.ts';

const second = (count: number) => new Date(1_790_000_000_000 + count * 1_000);
const bodyAt = (received_at: Date) => uuid({ msecs: received_at.getTime() });

t.test('is a UUID v7, and the same however often it is asked for', async (t) => {
  const body = bodyAt(second(1));
  const id = messageIdOf(body, 3, second(1));
  t.ok(validate(id));
  t.equal(version(id), 7);
  t.equal(messageIdOf(body, 3, second(1)), id);
  t.not(messageIdOf(body, 4, second(1)), id);
});

t.test('orders what came at once by arrival, and what one body brings by its place', async (t) => {
  const options = { msecs: second(5).getTime() };
  const bodies = Array.from({ length: 200 }, (_, seq) => uuid({ ...options, seq }));
  const ids = bodies.flatMap((body) => [0, 1, 999].map((place) => messageIdOf(body, place, second(5))));
  t.same([...ids].sort(), ids);
  t.equal(new Set(ids).size, ids.length);
});

t.test('tells apart as many places as a body may have, and no more', async (t) => {
  const body = bodyAt(second(7));
  const ids = Array.from({ length: most_places }, (_, place) => messageIdOf(body, place, second(7)));
  t.same(ids.toSorted(), ids);
  t.equal(new Set(ids).size, most_places);
  t.equal(messageIdOf(body, most_places, second(7)), ids[0], 'which is why a body with more is not expanded');
});

t.test('puts what came late where the provider says that it was written', async (t) => {
  const late = messageIdOf(bodyAt(second(3_600)), 0, second(10));
  const before = messageIdOf(bodyAt(second(10)), 0, second(10));
  const after = messageIdOf(bodyAt(second(12)), 0, second(12));
  t.same([late, after, before].sort(), [before, late, after]);
});

t.test('goes by our clock where the provider is ahead of it', async (t) => {
  const now = second(20);
  const id = messageIdOf(bodyAt(now), 0, second(9_999));
  t.equal(Number.parseInt(id.slice(0, 13).replace('-', ''), 16), now.getTime());
});
