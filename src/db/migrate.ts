import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Logger } from 'pino';
import { type ConnectionSettings, clientConfig } from './connection.ts';
import { isLostToAnother } from './pg-errors.ts';

export interface MigrateOptions {
  log: Logger;
  signal: AbortSignal;
  /** Default: `migrations/` at the package's root. */
  directory?: string;
}

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

/** A database and a set of migrations that do not fit; the message says which and what to do. */
class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** The same depth from src/db (tsx) and dist/db (compiled). */
const package_migrations = fileURLToPath(new URL('../../migrations/', import.meta.url));
const oldest_server_version = 150_000;
/** Any constant does, as long as every version of ours takes the same. */
const migration_lock = 7_262_008_415;
const lock_poll_ms = 100;
const table_wait_ms = 2_000;
const others_pass_ms = 1_000;

/**
 * Brings the database up to the newest migration and answers the names it applied. A second caller waits for the
 * first, for as long as it takes; aborting rolls the running migration back. Throws MigrationError when they disagree.
 */
export async function migrate(settings: ConnectionSettings, options: MigrateOptions): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(options.directory ?? package_migrations);
  options.signal.throwIfAborted();
  const client = new pg.Client(clientConfig(settings, 'conversar migrate'));
  client.on('error', () => undefined); // the running query rejects with the same error
  const abort = () => void client.end().catch(() => undefined);
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    await client.connect();
    await prepareSession(client);
    await takeLock(client, options);
    return { applied: await applyPending(client, migrations, options) };
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  } finally {
    options.signal.removeEventListener('abort', abort);
    await client.end().catch(() => undefined);
  }
}

/** The migrations of a folder in name order. Only `0001_verb_table.sql` counts; another `.sql` name is an error. */
async function readMigrations(directory: string): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  const numbers = new Set<string>();
  for (const name of names) {
    if (!/^\d{4}_[a-z0-9_]+\.sql$/.test(name))
      throw new MigrationError(`${name} must be named like 0001_create_x.sql.`);
    if (numbers.has(name.slice(0, 4))) throw new MigrationError(`Two migrations have the number ${name.slice(0, 4)}.`);
    numbers.add(name.slice(0, 4));
  }
  return Promise.all(
    names.map(async (name) => {
      // A checkout with CRLF line ends is the same migration.
      const sql = (await readFile(join(directory, name), 'utf8')).replaceAll('\r\n', '\n');
      return { name: name.slice(0, -4), sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function prepareSession(client: pg.Client): Promise<void> {
  // Set here, not at startup: a default of the role or of the connection string would win there.
  await client.query(
    `set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0;
     set client_min_messages = warning`,
  );
  const { rows } = await client.query<{ version: number; text: string }>(
    `select current_setting('server_version_num')::int as version, current_setting('server_version') as text`,
  );
  const [server] = rows;
  if (server && server.version < oldest_server_version) {
    throw new MigrationError(`PostgreSQL 15 or newer is needed; this server is ${server.text}.`);
  }
}

/** Asks again and again: a blocked `pg_advisory_lock` could not be aborted cleanly. The session's end releases it. */
async function takeLock(client: pg.Client, { log, signal }: MigrateOptions): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
      migration_lock,
    ]);
    if (rows[0]?.taken) return;
    if (attempt === 0) log.info('migrations.waiting');
    await delay(lock_poll_ms, undefined, { signal });
  }
}

async function applyPending(client: pg.Client, migrations: Migration[], options: MigrateOptions): Promise<string[]> {
  await client.query(`create table if not exists schema_migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`);
  const { rows } = await client.query<{ name: string; checksum: string }>(
    'select name, checksum from schema_migrations order by name',
  );
  const pending = findPending(migrations, rows);
  for (const migration of pending) {
    options.signal.throwIfAborted();
    const started_at = performance.now();
    await applyWhenFree(client, migration, options);
    const duration_ms = Math.round(performance.now() - started_at);
    options.log.info({ migration: migration.name, duration_ms }, 'migration.applied');
  }
  return pending.map((migration) => migration.name);
}

function findPending(migrations: Migration[], recorded: { name: string; checksum: string }[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { name, checksum } of recorded) {
    const migration = known.get(name);
    if (!migration) {
      throw new MigrationError(
        `The database has migration ${name}, which this version does not know: run the version that brought it, or a newer one.`,
      );
    }
    if (migration.checksum !== checksum) {
      throw new MigrationError(
        `Migration ${name} was changed after it was applied: restore the file, and write a new migration for the change.`,
      );
    }
  }
  const done = new Set(recorded.map(({ name }) => name));
  const pending = migrations.filter(({ name }) => !done.has(name));
  const last = recorded.at(-1)?.name;
  const late = last === undefined ? undefined : pending.find(({ name }) => name < last);
  if (late) {
    throw new MigrationError(
      `Migration ${late.name} comes before ${last}, which is already applied: give it a later number.`,
    );
  }
  return pending;
}

/**
 * A migration that waits for a table lets nobody else in meanwhile, not even to read: so it waits for 2 s at most, lets all others
 * pass, and tries again, for as long as it takes.
 */
async function applyWhenFree(client: pg.Client, migration: Migration, { log, signal }: MigrateOptions): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    if (await applyOne(client, migration)) return;
    if (attempt === 0) log.info({ migration: migration.name }, 'migration.waiting');
    await delay(others_pass_ms, undefined, { signal });
  }
}

/** False when a table could not be had; nothing of it is done then. */
async function applyOne(client: pg.Client, { name, sql, checksum }: Migration): Promise<boolean> {
  await client.query('begin');
  try {
    await client.query(`set local lock_timeout = ${table_wait_ms}`);
    await client.query(sql);
    await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [name, checksum]);
    await client.query('commit');
    return true;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    if (isLostToAnother(error)) return false;
    const reason = error instanceof Error ? error.message : String(error);
    throw new MigrationError(`Migration ${name} failed and was rolled back: ${reason}`, { cause: error });
  }
}
