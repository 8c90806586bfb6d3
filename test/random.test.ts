import t from 'tap';
import { validate, version } from 'uuid';
import { takeRandom, uuid } from '../src/random.ts';

t.test('ids are UUIDs v7, each greater than the one before, with the time in front', async (t) => {
  const before = Date.now();
  const ids = Array.from({ length: 20_000 }, () => uuid());
  const after = Date.now();
  t.ok(
    ids.every((id) => validate(id) && version(id) === 7),
    'all valid',
  );
  t.ok(
    ids.every((id, place) => place === 0 || id > (ids[place - 1] ?? '')),
    'in order',
  );
  const times = ids.map((id) => Number.parseInt(id.slice(0, 13).replace('-', ''), 16));
  t.ok(Math.min(...times) >= before && Math.max(...times) <= after, 'made now');
  t.equal(new Set(ids.map((id) => id.slice(-8))).size > 19_900, true, 'and their ends are random');
});

t.test('random bytes are given once, and nobody else writes to them', async (t) => {
  const given = Array.from({ length: 2_000 }, () => takeRandom(12));
  const kept = given.map((bytes) => bytes.toString('hex'));
  t.equal(new Set(kept).size, given.length);
  for (let more = 0; more < 1_000; more += 1) takeRandom(16);
  t.same(
    given.map((bytes) => bytes.toString('hex')),
    kept,
  );
});
