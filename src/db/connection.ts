import knex, { type Knex } from 'knex';
import pg from 'pg';
import type { Logger } from 'pino';

/** Where a database is: a libpq-style URL as the operator wrote it, or the parts of one. */
export type ConnectionSettings =
  | { connection_string: string }
  | { host: string; port: number; user: string; database: string; password?: string };

export interface PoolOptions {
  pool_max: number;
  application_name: string;
  log: Logger;
  /** How long a connection may take to be had. Default 2 s, which is how soon a caller hears that there is none. */
  acquire_timeout_ms?: number;
}

const connect_timeout_ms = 1_800;
const acquire_timeout_ms_default = 2_000;
const statement_timeout_ms = 5_000;
const lock_timeout_ms = 2_000;
const idle_in_transaction_timeout_ms = 5_000;
/** On our side of the wire, for a peer that vanished without a word: later than the server's own timeout. */
const query_timeout_ms = 7_000;
const keep_alive_delay_ms = 10_000;

/**
 * A knex pool over PostgreSQL, not yet connected; the caller destroys it. A connection that cannot be had in time
 * is an error that `isDatabaseUnavailable` recognises; broken connections are replaced at the next query.
 */
export function connect(settings: ConnectionSettings, options: PoolOptions): Knex {
  const { acquire_timeout_ms = acquire_timeout_ms_default } = options;
  const config = {
    client: 'pg',
    // Known beforehand, so that the first connection is spared `select version()`.
    version: '15.0',
    connection: {
      ...clientConfig(settings, options.application_name),
      // The socket gives up a little before the pool does, so that its own reason is the one that is told.
      connectionTimeoutMillis: 0.9 * acquire_timeout_ms,
      statement_timeout: statement_timeout_ms,
      lock_timeout: lock_timeout_ms,
      idle_in_transaction_session_timeout: idle_in_transaction_timeout_ms,
      query_timeout: query_timeout_ms,
    },
    acquireConnectionTimeout: acquire_timeout_ms,
    pool: {
      min: 0,
      max: options.pool_max,
      createTimeoutMillis: acquire_timeout_ms,
      idleTimeoutMillis: 30_000,
      // After a query timeout `pg` leaves the connection waiting for the dead peer: never hand that out again.
      validate: (connection: { readyForQuery?: boolean }) => connection.readyForQuery === true,
    },
    // Messages keep `$1`: with values compiled in, names and numbers would reach the log.
    compileSqlOnError: false,
    log: knexLog(options.log),
  };
  // knex hands the whole connection to `pg`; its types know only part of it.
  return knex(config as object);
}

/** What `new pg.Client()` takes for these settings; connecting gives up after 1.8 s, no statement timeout is set. */
export function clientConfig(settings: ConnectionSettings, application_name: string) {
  const where =
    'connection_string' in settings ? { connectionString: settings.connection_string } : { ...settings, ssl: false };
  return {
    ...where,
    application_name,
    connectionTimeoutMillis: connect_timeout_ms,
    keepAlive: true,
    keepAliveInitialDelayMillis: keep_alive_delay_ms,
    types: { getTypeParser },
  };
}

/** The same server, another database. */
export function withDatabase(settings: ConnectionSettings, database: string): ConnectionSettings {
  if (!('connection_string' in settings)) return { ...settings, database };
  const parts = /^([a-z]+:\/\/[^/?]*)(?:\/[^?]*)?(\?.*)?$/i.exec(settings.connection_string);
  if (!parts) throw new Error('The connection string is not of the form postgres://user:password@host:port/database');
  return { connection_string: `${parts[1]}/${encodeURIComponent(database)}${parts[2] ?? ''}` };
}

const int8_oid = 20;
const int8_array_oid = 1016;
const date_oid = 1082;

/** Per connection, so that no other user of `pg` in this process sees it. */
function getTypeParser(oid: number, format?: 'text' | 'binary') {
  if (format !== 'binary') {
    if (oid === int8_oid) return safeInteger;
    if (oid === int8_array_oid) return (text: string) => integers(text);
    // A date has no zone: as a Date it would shift with the machine's.
    if (oid === date_oid) return (text: string) => text;
  }
  return pg.types.getTypeParser(oid, format);
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`The bigint ${text} is too large for a number: cast it to text`);
  return value;
}

function integers(text: string): (number | null)[] {
  const items = text.slice(1, -1);
  return items === '' ? [] : items.split(',').map((item) => (item === 'NULL' ? null : safeInteger(item)));
}

function knexLog(log: Logger): Knex.Logger {
  const detail = (message: unknown) => (message instanceof Error ? message.message : String(message).split('\n')[0]);
  return {
    warn: (message: unknown) => log.warn({ detail: detail(message) }, 'database.warning'),
    error: (message: unknown) => log.error({ detail: detail(message) }, 'database.error'),
    deprecate: (method: string) => log.warn({ detail: method }, 'database.deprecated'),
    debug: (message: unknown) => log.debug({ detail: detail(message) }, 'database.debug'),
  };
}
