import t from 'tap';
import { retryDelay } from '../../src/lanes/retry-delay.ts';

const least = () => 0;
const most = () => 1;

t.test('retryDelay', async (t) => {
  const delays = Array.from({ length: 12 }, (_, index) => retryDelay(index + 1, null, least));
  t.same(delays.slice(0, 5), [1_000, 2_000, 4_000, 8_000, 16_000], 'without advice it doubles from one second');
  t.same(delays.slice(8, 12), [256_000, 300_000, 300_000, 300_000], 'up to five minutes');
  t.equal(retryDelay(1_000_000, null, least), 300_000, 'however often it was tried');
  t.equal(retryDelay(0, null, least), 1_000);
  t.equal(retryDelay(9, 6_000, least), 6_000, 'advice is followed, not improved upon');
  t.equal(retryDelay(1, 3_600_000, least), 3_600_000, 'be it longer than our own longest');
  t.same([retryDelay(1, null, most), retryDelay(9, 6_000, most)], [1_200, 7_200], 'with up to a fifth on top');
  t.ok(new Set(Array.from({ length: 20 }, () => retryDelay(1, null))).size > 1, 'so that not all return together');
});
