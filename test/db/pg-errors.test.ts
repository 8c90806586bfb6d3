import pino from 'pino';
import t from 'tap';
import { connect } from '../../src/db/connection.ts';
import {
  isDatabaseUnavailable,
  isLockTimeout,
  isLostToAnother,
  isTooMuchAtOnce,
  messageOf,
  violatedConstraint,
} from '../../src/db/pg-errors.ts';
import { createEmptyDatabase, patience_ms } from '../support/database.ts';

t.test('errors as PostgreSQL really raises them', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const db = connect(settings, {
    pool_max: 2,
    application_name: 'conversar test',
    log: pino({ level: 'silent' }),
    acquire_timeout_ms: patience_ms,
  });
  t.teardown(() => db.destroy());
  await db.raw('create table a (id int constraint a_pkey primary key)');
  await db.raw(`create table b (a_id int constraint b_a_fkey references a, n int constraint b_n_check check (n > 0))`);
  await db.raw('insert into a values (1)');
  const errorOf = (sql: string) => db.raw(sql).then(undefined, (error: unknown) => error);
  const raising = (state: string) => errorOf(`do $do$ begin raise exception 'no' using errcode = '${state}'; end $do$`);

  t.test('a broken constraint is known by its name, and is no outage', async (t) => {
    for (const [sql, constraint] of [
      ['insert into a values (1)', 'a_pkey'],
      ['insert into b values (2, 1)', 'b_a_fkey'],
      ['insert into b values (1, 0)', 'b_n_check'],
    ] as const) {
      const error = await errorOf(sql);
      t.equal(violatedConstraint(error), constraint);
      t.equal(isDatabaseUnavailable(error), false);
    }
  });

  t.test('what passes by itself is an outage', async (t) => {
    for (const state of ['08006', '53300', '53100', '57P01', '57P03', '57014', '55P03', '40P01', '40001', '25006']) {
      const error = await raising(state);
      t.equal(isDatabaseUnavailable(error), true, state);
      t.equal(violatedConstraint(error), undefined, state);
    }
  });

  t.test('what is wrong with the statement is none', async (t) => {
    for (const state of ['42601', '22P02', '23502', '42P01', '57P04', '3D000', 'P0001']) {
      t.equal(isDatabaseUnavailable(await raising(state)), false, state);
    }
  });

  t.test('a statement and a lock that take too long are outages', async (t) => {
    t.equal(isDatabaseUnavailable(await errorOf('set local statement_timeout = 50; select pg_sleep(60)')), true);
    await db.transaction(async (holder) => {
      await holder.raw('lock table a');
      t.equal(isDatabaseUnavailable(await errorOf('set local lock_timeout = 50; select * from a')), true);
    });
  });
});

t.test('network errors are outages, a missing file and other accidents are not', async (t) => {
  const failure = (fields: object) => Object.assign(new Error('no'), fields);
  t.equal(isDatabaseUnavailable(failure({ code: 'ECONNREFUSED', syscall: 'connect' })), true);
  t.equal(isDatabaseUnavailable(failure({ code: 'ENOENT', syscall: 'connect' })), true, 'no socket');
  t.equal(isDatabaseUnavailable(failure({ code: 'ENOENT', syscall: 'open' })), false, 'no file');
  t.equal(isDatabaseUnavailable(new Error('select 1 - Connection terminated unexpectedly')), true);
  t.equal(isDatabaseUnavailable(new Error('select 1 - Query read timeout')), true);
  t.equal(isDatabaseUnavailable(new Error('wrapped', { cause: failure({ code: 'ECONNRESET' }) })), true);
  t.equal(isDatabaseUnavailable(new TypeError('x is not a function')), false);
  t.equal(isDatabaseUnavailable(undefined), false);
  t.equal(violatedConstraint({ code: '23505', constraint: 'x' }), undefined, 'only the server’s own word counts');
});

t.test('messageOf: what the server said, without the statement', (t) => {
  const said = (message: string) => Object.assign(new Error(message), { code: '23514', severity: 'ERROR' });
  t.equal(messageOf(said('insert into x (a)\n  values ($1) - 2 - is taken')), 'is taken');
  t.equal(messageOf(said('is taken')), 'is taken');
  t.equal(messageOf(new Error('a - b')), 'a - b', 'anybody else says all of it');
  t.equal(messageOf('text'), 'text');
  t.end();
});

t.test('isLostToAnother: lock timeouts and deadlocks, which a statement that took too long is not', (t) => {
  const state = (code: string) => Object.assign(new Error('x'), { code, severity: 'ERROR' });
  for (const code of ['55P03', '40001', '40P01']) t.ok(isLostToAnother(state(code)), code);
  t.notOk(isLostToAnother(state('57014')));
  t.ok(isLockTimeout(state('55P03')));
  t.notOk(isLockTimeout(state('40P01')));
  t.end();
});

t.test('isTooMuchAtOnce: timeouts and deadlocks, and not a server that is away', (t) => {
  const state = (code: string) => Object.assign(new Error('x'), { code, severity: 'ERROR' });
  for (const code of ['57014', '55P03', '40001', '40P01']) t.ok(isTooMuchAtOnce(state(code)), code);
  for (const code of ['57P01', '08006', '53300', '23505']) t.notOk(isTooMuchAtOnce(state(code)), code);
  t.end();
});
