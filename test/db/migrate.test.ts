import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import pino from 'pino';
import t, { type Test } from 'tap';
import type { ConnectionSettings } from '../../src/db/connection.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createEmptyDatabase, testClientConfig } from '../support/database.ts';
import { ask } from '../support/embedded-folder.ts';
import { eventually } from '../support/service.ts';

const log = pino({ level: 'silent' });

async function migrationsFolder(t: Test, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'conversar-migrations-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, name), sql);
  return folder;
}

function run(settings: ConnectionSettings, directory: string, signal = AbortSignal.timeout(120_000)) {
  return migrate(settings, { log, signal, directory });
}

const two = {
  '0002_create_b.sql': `create table b (id int references a); insert into b values (1);`,
  '0001_create_a.sql': `-- Why: first.\ncreate table a (id int primary key); insert into a values (1);`,
};

t.test('files are applied once each, in the order of their names', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const folder = await migrationsFolder(t, two);
  t.same(await run(settings, folder), { applied: ['0001_create_a', '0002_create_b'] });
  t.same(await run(settings, folder), { applied: [] });
  await writeFile(join(folder, '0003_create_c.sql'), 'create table c ()');
  t.same(await run(settings, folder), { applied: ['0003_create_c'] });
  t.same(await ask(settings, 'select name from schema_migrations order by name'), [
    { name: '0001_create_a' },
    { name: '0002_create_b' },
    { name: '0003_create_c' },
  ]);
});

t.test('a file that fails is rolled back whole, is named, and those before it stay', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const folder = await migrationsFolder(t, {
    ...two,
    '0003_create_c.sql': 'create table c (); select 1 / 0;',
  });
  await t.rejects(run(settings, folder), {
    name: 'MigrationError',
    message: 'Migration 0003_create_c failed and was rolled back: division by zero',
  });
  t.same(await ask(settings, `select to_regclass('b') is not null as b, to_regclass('c') as c`), [
    { b: true, c: null },
  ]);
  await writeFile(join(folder, '0003_create_c.sql'), 'create table c ()');
  t.same(await run(settings, folder), { applied: ['0003_create_c'] }, 'mended, it is applied');
});

t.test('a file that changed after it was applied is refused by name, and nothing is applied', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const folder = await migrationsFolder(t, two);
  await run(settings, folder);
  await writeFile(join(folder, '0001_create_a.sql'), 'create table a (id bigint primary key)');
  await writeFile(join(folder, '0003_create_c.sql'), 'create table c ()');
  await t.rejects(run(settings, folder), { name: 'MigrationError', message: /^Migration 0001_create_a was changed/ });
  t.same(await ask(settings, `select to_regclass('c') as c`), [{ c: null }]);
});

t.test('line ends of another system are no change', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const folder = await migrationsFolder(t, two);
  await run(settings, folder);
  await writeFile(join(folder, '0001_create_a.sql'), two['0001_create_a.sql'].replaceAll('\n', '\r\n'));
  t.same(await run(settings, folder), { applied: [] });
});

t.test('a database that a newer version migrated is refused, and the message says what to do', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  await run(settings, await migrationsFolder(t, { ...two, '0009_create_later.sql': 'create table later ()' }));
  await t.rejects(run(settings, await migrationsFolder(t, two)), {
    message: /^The database has migration 0009_create_later, which this version does not know: run the version/,
  });
});

t.test('a new file that comes before an applied one is refused', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const folder = await migrationsFolder(t, { '0002_create_b.sql': 'create table b ()' });
  await run(settings, folder);
  await writeFile(join(folder, '0001_create_a.sql'), 'create table a ()');
  await t.rejects(run(settings, folder), { message: /^Migration 0001_create_a comes before 0002_create_b/ });
});

t.test('names that cannot be ordered are refused before anything is connected', async (t) => {
  const nowhere = { connection_string: 'postgres://nobody@127.0.0.1:1/none' };
  const badly_named = await migrationsFolder(t, { 'init.sql': '' });
  await t.rejects(run(nowhere, badly_named), { message: /^init\.sql must be named like/ });
  const twice = await migrationsFolder(t, { '0001_a.sql': '', '0001_b.sql': '' });
  await t.rejects(run(nowhere, twice), { message: 'Two migrations have the number 0001.' });
});

t.test('of several processes that migrate at once one does, and the others wait past every timeout', async (t) => {
  const { settings, name } = await createEmptyDatabase(t);
  await ask(
    settings,
    `alter database ${name} set lock_timeout = '100ms'; alter database ${name} set statement_timeout = '200ms'`,
  );
  const folder = await migrationsFolder(t, { '0001_create_a.sql': 'select pg_sleep(0.6); create table a ()' });
  const results = await Promise.all([run(settings, folder), run(settings, folder), run(settings, folder)]);
  t.same(
    results.flatMap(({ applied }) => applied),
    ['0001_create_a'],
  );
});

t.test('aborting ends the wait for another process, and a running migration', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const slow = await migrationsFolder(t, { '0001_create_a.sql': 'create table a (); select pg_sleep(60)' });
  const running = new AbortController();
  const waiting = new AbortController();
  const first = t.rejects(run(settings, slow, running.signal), { message: 'enough' });
  const asleep = `select 1 from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()`;
  while ((await ask(settings, asleep)).length === 0);
  const second = t.rejects(run(settings, slow, waiting.signal), { message: 'enough' });
  waiting.abort(new Error('enough'));
  await second;
  running.abort(new Error('enough'));
  await first;
  t.same(await ask(settings, `select to_regclass('a') as a`), [{ a: null }]);
});

t.test('our own migrations fit an empty database', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const { applied } = await migrate(settings, { log, signal: AbortSignal.timeout(120_000) });
  t.equal(applied[0], '0001_create_accounts');
});

t.test('a migration that waits for a table lets others pass, and comes to its end', async (t) => {
  const { settings } = await createEmptyDatabase(t);
  const folder = await migrationsFolder(t, two);
  await run(settings, folder);
  await writeFile(join(folder, '0003_alter_a.sql'), 'alter table a add column b int');
  const client = new pg.Client(testClientConfig(settings));
  await client.connect();
  t.teardown(() => client.end());
  // As a dump that runs for long.
  await client.query('begin; select * from a');
  let is_over = false;
  const migrating = run(settings, folder).finally(() => {
    is_over = true;
  });
  const passed = async () =>
    ask(settings, `set lock_timeout = '100ms'; select id from a`).then(
      () => true,
      () => false,
    );
  // Blocked while it waits for its turn, and free again before that turn comes.
  await eventually(passed, (free) => !free);
  await eventually(passed, (free) => free);
  t.notOk(is_over);
  await client.query('rollback');
  t.same(await migrating, { applied: ['0003_alter_a'] });
});
