import t from 'tap';
import { readRetryAfter } from '../../src/outbound/retry-after.ts';

t.test('Retry-After is seconds or a date', async (t) => {
  const now = new Date('2026-11-26T12:00:00.000Z');
  t.equal(readRetryAfter('120', now), 120_000);
  t.equal(readRetryAfter('Thu, 26 Nov 2026 12:01:00 GMT', now), 60_000);
  for (const header of [undefined, '', '0', 'soon', '-5', 'Thu, 26 Nov 2026 11:59:00 GMT'])
    t.equal(readRetryAfter(header, now), null, String(header));
});
