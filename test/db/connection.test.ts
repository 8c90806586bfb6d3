import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Knex } from 'knex';
import pino from 'pino';
import t from 'tap';
import { connect, withDatabase } from '../../src/db/connection.ts';
import { isDatabaseUnavailable } from '../../src/db/pg-errors.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { ask, createDataFolder, hold, holdElsewhere } from '../support/embedded-folder.ts';
import { timed } from '../support/timed.ts';

const log = pino({ level: 'silent' });
const errorOf = (db: Knex) => db.raw('select 1').then(undefined, (error: unknown) => error);
const options = { pool_max: 3, application_name: 'conversar test', log };

t.test('every connection carries its timeouts from the first query on', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const db = connect(settings, options);
  t.teardown(() => db.destroy());
  const { rows } = await db.raw(
    `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
            current_setting('idle_in_transaction_session_timeout') as idle, current_setting('application_name') as name`,
  );
  t.same(rows, [{ statement: '5s', lock: '2s', idle: '5s', name: 'conversar test' }]);
});

t.test('bigints are numbers, those too large for one are refused; dates stay as written', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const db = connect(settings, options);
  t.teardown(() => db.destroy());
  const { rows } = await db.raw(
    `select 9007199254740991::bigint as n, array[1, null]::bigint[] as list, '{}'::bigint[] as none,
            date '2026-02-28' as day, timestamptz '2026-02-28 12:00Z' as at, pg_typeof(count(*))::text as type
       from pg_class`,
  );
  t.strictSame(rows[0], {
    n: 9_007_199_254_740_991,
    list: [1, null],
    none: [],
    day: '2026-02-28',
    at: new Date('2026-02-28T12:00:00Z'),
    type: 'bigint',
  });
  await t.rejects(db.raw('select 9007199254740992::bigint as n'), { name: 'RangeError' });
  t.same((await db.raw('select 1::bigint as n')).rows, [{ n: 1 }], 'the connection is still good');
});

t.test('an error names the statement and not its values', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const db = connect(settings, options);
  t.teardown(() => db.destroy());
  const error = await db('missing')
    .where({ phone: '+5531988880001' })
    .then(() => '', String);
  t.match(error, '$1');
  t.notMatch(error, '98888');
});

t.test('a database that is gone is told within 2.5 s, and used again when it is back', async (t) => {
  const folder = await createDataFolder(t);
  const first = await holdElsewhere(t, folder);
  const db = connect(first.connection, options);
  t.teardown(() => db.destroy());
  t.same((await db.raw('select 1 as one')).rows, [{ one: 1 }]);
  await first.release(); // the server stops under an open, idle pool

  const { answer: error, took_ms } = await timed(() => errorOf(db));
  t.ok(isDatabaseUnavailable(error), String(error));
  t.ok(took_ms < 2_500, `${took_ms} ms`);

  await hold(t, folder);
  t.same((await db.raw('select 1 as one')).rows, [{ one: 1 }], 'by itself');
});

t.test('a session that the server ends costs its own query alone', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const db = connect(settings, { ...options, pool_max: 1 });
  t.teardown(() => db.destroy());
  const error = await db
    .raw('select pg_terminate_backend(pg_backend_pid())')
    .then(undefined, (error: unknown) => error);
  t.ok(isDatabaseUnavailable(error), String(error));
  t.same((await db.raw('select 1 as one')).rows, [{ one: 1 }]);
  const [{ pid }] = (await db.raw('select pg_backend_pid() as pid')).rows;
  await ask(settings, `select pg_terminate_backend(${pid})`);
  const next = await db.raw('select 1 as one').then(
    ({ rows }) => rows,
    (error: unknown) => error,
  );
  if (next instanceof Error) t.ok(isDatabaseUnavailable(next), 'it may not have heard of its end yet');
  t.same((await db.raw('select 1 as one')).rows, [{ one: 1 }]);
});

t.test('a server that accepts and says nothing is given up within 2.5 s', async (t) => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const address = silent.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const db = connect({ connection_string: `postgres://someone@127.0.0.1:${port}/none` }, options);
  t.teardown(() => db.destroy());
  const { answer: error, took_ms } = await timed(() => errorOf(db));
  t.ok(isDatabaseUnavailable(error), String(error));
  t.ok(took_ms < 2_500, `${took_ms} ms`);
});

t.test('a full pool is told within 2.5 s', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const db = connect(settings, { ...options, pool_max: 1 });
  t.teardown(() => db.destroy());
  const held = await db.transaction();
  await held.raw('select 1');
  const { answer: error, took_ms } = await timed(() => errorOf(db));
  await held.rollback();
  t.ok(isDatabaseUnavailable(error), String(error));
  t.ok(took_ms < 2_500, `${took_ms} ms`);
});

t.test('withDatabase changes the database and nothing else', async (t) => {
  const of = (connection_string: string) => withDatabase({ connection_string }, 'other');
  t.same(of('postgres://u:p@host:5432/db?sslmode=require'), {
    connection_string: 'postgres://u:p@host:5432/other?sslmode=require',
  });
  t.same(of('postgres:///db?host=/tmp/socket'), { connection_string: 'postgres:///other?host=/tmp/socket' });
  t.same(of('postgres://u@/db'), { connection_string: 'postgres://u@/other' });
  t.same(of('postgres://host'), { connection_string: 'postgres://host/other' });
  t.throws(() => of('/tmp/socket db'));
});
