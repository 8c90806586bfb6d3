import t from 'tap';
import { nextAttemptIn } from '../../../src/features/webhooks/retry-schedule.ts';

const hour = 3_600_000;

t.test('ten attempts over 75 h 35 min, each repeat within 20 % of its time', async (t) => {
  const middle = (tries: number) => nextAttemptIn(tries, null, () => 0.5);
  const planned = Array.from({ length: 9 }, (_, place) => middle(place + 1));
  t.same(planned, [5_000, 300_000, 1_800_000, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour]);
  t.equal(
    planned.reduce<number>((sum, ms) => sum + (ms ?? 0), 0),
    75 * hour + 35 * 60_000 + 5_000,
  );
  t.equal(middle(10), null, 'the tenth was the last');
  t.equal(
    nextAttemptIn(2, null, () => 0),
    240_000,
  );
  t.equal(
    nextAttemptIn(2, null, () => 1),
    360_000,
  );
});

t.test('what the endpoint asks for counts where it is longer, up to a day', async (t) => {
  const advised = (ms: number) => nextAttemptIn(1, ms, () => 0.5);
  t.equal(advised(60_000), 60_000);
  t.equal(advised(1_000), 5_000);
  t.equal(advised(1_000 * hour), 24 * hour);
});
