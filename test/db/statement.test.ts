import pino from 'pino';
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { connect } from '../../src/db/connection.ts';
import { sqlState } from '../../src/db/pg-errors.ts';
import { prepare } from '../../src/db/statement.ts';
import { createDatabase, patience_ms } from '../support/database.ts';

t.test('a statement is compiled once, kept by its name, and runs over the pool and in a transaction', async (t) => {
  const { settings } = await createDatabase(t);
  const log = pino({ level: 'silent' });
  const db = connect(settings, {
    pool_max: 1,
    application_name: 'conversar test',
    log,
    acquire_timeout_ms: patience_ms,
  });
  t.teardown(() => db.destroy());
  const add = prepare<{ one: number; other: number }, { sum: number; again: number }>(
    'add_numbers',
    `select cast(:one as integer) + cast(:other as integer) as sum, cast(:one as integer) as again`,
  );
  t.same(await add(db, { one: 2, other: 3 }), [{ sum: 5, again: 2 }]);
  const prepared = await db.raw(`select statement from pg_prepared_statements where name = 'add_numbers'`);
  t.match(prepared.rows[0].statement, 'select cast($1 as integer) + cast($2 as integer) as sum, cast($1 as integer)');

  const drop = prepare('drop_note', 'drop table if exists note');
  const write = prepare<{ text: string }, { text: string }>(
    'write_note',
    'insert into note (text) values (:text) returning text',
  );
  await db.raw('create table note (text text unique)');
  await t.rejects(
    inTransaction({ db }, async (trx) => {
      t.same(await write(trx.db, { text: 'a' }), [{ text: 'a' }]);
      throw new Error('undone');
    }),
    { message: 'undone' },
  );
  t.same((await db.raw('select * from note')).rows, [], 'it was in the transaction');
  let ended: typeof db | undefined;
  await inTransaction({ db }, async (trx) => {
    ended = trx.db;
  });
  await t.rejects(write(ended as typeof db, { text: 'a' }), { message: 'write_note: the transaction has ended' });

  await t.rejects(add(db, { one: 1 } as never), { message: 'add_numbers: no value for :other' });
  await write(db, { text: 'a' });
  const error = await write(db, { text: 'a' }).catch((thrown: unknown) => thrown);
  t.equal(sqlState(error), '23505');
  t.match((error as Error).message, /^write_note - duplicate key/, 'with its name and without its values');
  await drop(db, {});
  t.same(await add(db, { one: 1, other: 1 }), [{ sum: 2, again: 1 }], 'the one connection is there again');
});

t.test('a statement is told to who listens to knex, by its name', async (t) => {
  const { settings } = await createDatabase(t);
  const log = pino({ level: 'silent' });
  const db = connect(settings, {
    pool_max: 1,
    application_name: 'conversar test',
    log,
    acquire_timeout_ms: patience_ms,
  });
  t.teardown(() => db.destroy());
  const told: unknown[] = [];
  db.on('query', ({ options, sql }: { options?: { name?: string }; sql: string }) => told.push(options?.name, sql));
  db.on('query-response', () => told.push('answered'));
  db.on('query-error', () => told.push('failed'));
  await prepare<object, { one: number }>('one', 'select 1 as one')(db, {});
  await inTransaction({ db }, (trx) => prepare('none', 'select 1 / 0 as none')(trx.db, {})).catch(() => undefined);
  const names = told.filter((one) => one !== 'BEGIN;' && one !== 'ROLLBACK');
  t.match(JSON.stringify(names), /"one","select 1 as one","answered".*"none","select 1 \/ 0 as none","failed"/);
});
