import fc from 'fast-check';
import pino from 'pino';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { connect } from '../../src/db/connection.ts';
import { type Limit, type TokensAsked, takeTokens, usable_ms } from '../../src/http/rate-limit.repository.ts';
import { type Admission, createTokenGates } from '../../src/http/token-gate.ts';
import { createDatabase, patience_ms } from '../support/database.ts';

const { settings } = await createDatabase(t);
const log = pino({ level: 'silent' });
const db = connect(settings, { pool_max: 8, application_name: 'conversar test', log, acquire_timeout_ms: patience_ms });
t.teardown(() => db.destroy());

const started_at = Date.parse('2030-01-01T00:00:00Z');

async function createLimits(...given: [per_second: number, burst: number][]) {
  const account_id = uuid();
  const now = new Date();
  await db('accounts').insert({ id: account_id, name: 'x', data_key: '', created_at: now, updated_at: now });
  const limits = given.map(([per_second, burst], place): Limit => {
    const bucket = place === 0 ? account_id : uuid();
    return { bucket, name: `limit-${place}`, per_second, burst };
  });
  return { account_id, limits: limits as [Limit, ...Limit[]] };
}

interface Event {
  asked_at: number;
  answered_at: number;
  is_admitted: boolean;
}

/** Processes over one database, all on one clock that the test drives; a take lasts as long as it says. */
function createWorld({ account_id, limits }: Awaited<ReturnType<typeof createLimits>>, processes: number) {
  const world = { now_ms: 0, out_ms: 0, back_ms: 0, takes: 0 };
  const events: Event[] = [];
  const take = async (asked: TokensAsked) => {
    world.takes += 1;
    world.now_ms += world.out_ms;
    const taken = await takeTokens({ db }, asked, new Date(started_at + world.now_ms));
    world.now_ms += world.back_ms;
    return taken;
  };
  const gates = Array.from({ length: processes }, () => createTokenGates({ take, now_ms: () => world.now_ms }));
  const ask = async (place: number): Promise<Admission | undefined> => {
    const asked_at = world.now_ms;
    const admission = await gates[place % processes]?.admit(account_id, limits);
    events.push({ asked_at, answered_at: world.now_ms, is_admitted: admission?.is_admitted === true });
    return admission;
  };
  return { world, events, ask, admitted: () => events.filter((event) => event.is_admitted).length };
}

/** The longest-standing promise: in any T seconds at most burst + per_second × T. A wait for the database is within T. */
function worstExcess(events: Event[], { per_second, burst }: Limit): number {
  const admitted = events.filter((event) => event.is_admitted);
  let worst = Number.NEGATIVE_INFINITY;
  for (const { asked_at: from } of admitted) {
    const within = admitted.filter((event) => event.asked_at >= from).map((event) => event.answered_at);
    within.sort((one, other) => one - other);
    for (const [place, to] of within.entries())
      worst = Math.max(worst, place + 1 - burst - (per_second * (to - from)) / 1000);
  }
  return worst;
}

t.test('a burst is admitted to the last token, then one per refill', async (t) => {
  const { world, ask, admitted } = createWorld(await createLimits([10, 5]), 1);
  for (let n = 0; n < 7; n += 1) await ask(0);
  t.equal(admitted(), 5);
  const refused = await ask(0);
  t.match(refused, { is_admitted: false, remaining: 0, retry_after_ms: 100 });
  world.now_ms += 99;
  t.match(await ask(0), { is_admitted: false, retry_after_ms: 1 });
  world.now_ms += 1;
  t.match(await ask(0), { is_admitted: true, remaining: 0, retry_after_ms: 0 });
  world.now_ms += 10_000;
  for (let n = 0; n < 7; n += 1) await ask(0);
  t.equal(admitted(), 11, 'and a quiet time gives the burst back, no more');
});

t.test('both limits must have a token, and a refusal by one takes nothing from the other', async (t) => {
  const given = await createLimits([1, 10], [1, 3]);
  const { ask, admitted } = createWorld(given, 1);
  const first = await ask(0);
  t.match(first, { is_admitted: true, remaining: 2, tightest: { name: 'limit-1' } });
  for (let n = 0; n < 5; n += 1) await ask(0);
  t.equal(admitted(), 3);
  const rows = await db('rate_buckets').where({ account_id: given.account_id }).select('bucket', 'tokens');
  const left = new Map(rows.map((row) => [row.bucket, row.tokens]));
  t.same(
    given.limits.map(({ bucket }) => left.get(bucket)),
    [7, 0],
  );
});

t.test('requests that come at once share takes', async (t) => {
  const { world, ask, admitted } = createWorld(await createLimits([500, 1000]), 1);
  await Promise.all(Array.from({ length: 300 }, () => ask(0)));
  t.equal(admitted(), 300);
  t.equal(world.takes, 2, 'the first one, and all that came while it was asked');
});

t.test('a steady stream asks the database at most about 20 times a second', async (t) => {
  const { world, ask, admitted } = createWorld(await createLimits([500, 1000]), 1);
  for (let n = 0; n < 400; n += 1) {
    await ask(0);
    world.now_ms += 2.5;
  }
  t.equal(admitted(), 400);
  t.ok(world.takes <= 30, `${world.takes} takes in a second`);
});

t.test('a flood is refused from memory, too', async (t) => {
  const { world, ask } = createWorld(await createLimits([500, 1000]), 1);
  for (let n = 0; n < 2000; n += 1) {
    await ask(0);
    world.now_ms += 0.5;
  }
  t.ok(world.takes <= 120, `${world.takes} takes in a second`);
});

t.test('a few requests now and then take no more than themselves', async (t) => {
  const given = await createLimits([500, 1000]);
  const { world, ask } = createWorld(given, 1);
  for (let n = 0; n < 10; n += 1) {
    await ask(0);
    world.now_ms += 0.001;
    world.now_ms += 100;
  }
  const row = await db('rate_buckets').where({ account_id: given.account_id }).first();
  t.match(row, { tokens: 999, lent: 0, lent_before: 0 });
});

t.test('what is held is void after its time, and full use of it never passes the limit', async (t) => {
  const given = await createLimits([100, 40]);
  const { world, events, ask, admitted } = createWorld(given, 2);
  // A hot process: some is taken ahead.
  for (let n = 0; n < 8; n += 1) {
    await ask(0);
    world.now_ms += 5;
  }
  const held = async () => (await db('rate_buckets').where({ account_id: given.account_id }).first()).lent;
  t.ok((await held()) > 0);
  world.now_ms += usable_ms;
  const takes = world.takes;
  await ask(0);
  t.equal(world.takes, takes + 1, 'void: the database is asked');
  world.now_ms += 5_000;
  const before = admitted();
  for (let n = 0; n < 60; n += 1) await ask(n);
  t.equal(admitted() - before, 40, 'all of the burst is there again');
  t.ok(worstExcess(events, given.limits[0]) <= 1e-6);
});

t.test('processes that compete get the whole rate, and not more', async (t) => {
  const given = await createLimits([200, 50]);
  const { world, events, ask, admitted } = createWorld(given, 4);
  for (let n = 0; n < 1600; n += 1) {
    await ask(n);
    world.now_ms += 2.5;
  }
  const most = 50 + 200 * 4;
  t.ok(admitted() <= most, `${admitted()} of ${most}`);
  t.ok(admitted() >= 0.93 * most, `${admitted()} of ${most}: hardly a token is lost`);
  t.ok(worstExcess(events, given.limits[0]) <= 1e-6);
});

t.test('at any pace, on any number of processes, with any latency: never more than burst + rate × T', async (t) => {
  const step = fc.record({
    place: fc.nat(3),
    requests: fc.integer({ min: 1, max: 12 }),
    pause_ms: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 30, noNaN: true }), fc.integer({ min: 40, max: 260 })),
    out_ms: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 120 })),
    back_ms: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 120 })),
  });
  const limit = fc.tuple(fc.integer({ min: 1, max: 800 }), fc.integer({ min: 1, max: 60 }));
  const run = fc.asyncProperty(
    fc.array(limit, { minLength: 1, maxLength: 2 }),
    fc.integer({ min: 1, max: 4 }),
    fc.array(step, { minLength: 5, maxLength: 25 }),
    async (pairs, processes, steps) => {
      const given = await createLimits(...pairs);
      const { world, events, ask } = createWorld(given, processes);
      for (const { place, requests, pause_ms, out_ms, back_ms } of steps) {
        Object.assign(world, { out_ms, back_ms });
        await Promise.all(Array.from({ length: requests }, () => ask(place)));
        world.now_ms += pause_ms;
      }
      // The clock of the database has milliseconds here.
      for (const one of given.limits) if (worstExcess(events, one) > one.per_second / 1000 + 1e-6) return false;
      return true;
    },
  );
  await fc.assert(run, { numRuns: 60 });
  t.pass();
});

t.test('many at once over real connections: each token is given once', async (t) => {
  const { account_id, limits } = await createLimits([1, 400], [1, 300]);
  const at = new Date(started_at);
  const takes = await Promise.all(
    Array.from({ length: 60 }, () => takeTokens({ db }, { account_id, limits, waiting: 5, ahead: 3 }, at)),
  );
  const granted = takes.reduce((sum, taken) => sum + taken.granted, 0);
  t.equal(granted, 300);
  const rows = await db('rate_buckets').where({ account_id }).orderBy('tokens').select('tokens', 'lent');
  t.match(rows, [{ tokens: 0 }, { tokens: 100 }]);
  for (const { lent } of rows) t.ok(lent <= 150, 'at most half of the smaller burst was given ahead');
});

t.test(
  'the bucket keeps free what may still be held somewhere, and goes on from there when it has lapsed',
  async (t) => {
    const { account_id, limits } = await createLimits([1_000, 100]);
    const takeAt = async (ms: number, waiting: number, ahead = 0) =>
      (await takeTokens({ db }, { account_id, limits, waiting, ahead }, new Date(started_at + ms))).granted;
    t.equal(await takeAt(0, 50), 50);
    t.equal(await takeAt(90, 1, 40), 41, '40 may be held until 190');
    t.equal(await takeAt(101, 1), 1, 'another span begins');
    t.equal(await takeAt(180, 100), 60);
    t.equal(await takeAt(310, 100), 69, 'without a jump: 60 until 301, then one a millisecond');
    t.equal(await takeAt(1_000, 200), 100);
  },
);

t.test('a clock of the database that goes back gives nothing twice', async (t) => {
  const { account_id, limits } = await createLimits([10, 10]);
  const takeAt = (ms: number) =>
    takeTokens({ db }, { account_id, limits, waiting: 10, ahead: 0 }, new Date(started_at + ms));
  t.match(await takeAt(0), { granted: 10 });
  t.match(await takeAt(1_000), { granted: 10 });
  t.match(await takeAt(-60_000), { granted: 0 });
  t.match(await takeAt(1_500), { granted: 5 });
});

t.test('a take that fails fails those that waited for it, admits nobody, and the next is asked anew', async (t) => {
  const { account_id, limits } = await createLimits([10, 10]);
  let is_away = true;
  const gates = createTokenGates({
    take: async (asked) => {
      if (is_away) throw new Error('away');
      return takeTokens({ db }, asked);
    },
  });
  const answers = await Promise.allSettled([gates.admit(account_id, limits), gates.admit(account_id, limits)]);
  t.same(
    answers.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  is_away = false;
  t.match(await gates.admit(account_id, limits), { is_admitted: true });
});

t.test('another limit acts at once, and what is held under the old one is void', async (t) => {
  const given = await createLimits([500, 1000]);
  const [limit] = given.limits;
  const { world, ask, admitted } = createWorld(given, 1);
  for (let n = 0; n < 30; n += 1) await ask(0);
  given.limits[0] = { ...limit, per_second: 2, burst: 2 };
  t.match(await ask(0), { is_admitted: false }, 'more is out than the new burst');
  world.now_ms += 1_500;
  for (let n = 0; n < 5; n += 1) await ask(0);
  t.equal(admitted(), 32);
  given.limits[0] = limit;
  t.match(await ask(0), { is_admitted: false }, 'a change gives nothing');
  world.now_ms += 1_000;
  t.match(await ask(0), { is_admitted: true, remaining: 499 });
});
