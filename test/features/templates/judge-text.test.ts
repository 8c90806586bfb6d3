import t from 'tap';
import { judgeTime } from '../../../src/features/templates/judge-text.ts';

t.test('a time is told in UTC, and has four digits of a year there', async (t) => {
  t.same(judgeTime('2026-12-31T21:00:00-03:00'), { value: '2027-01-01T00:00:00.000Z' });
  t.same(judgeTime('9999-12-31T20:59:59-03:00'), { value: '9999-12-31T23:59:59.000Z' });
  t.same(judgeTime('9999-12-31T23:59:59-03:00'), { fault: 'time' });
});
