/** What can be read from an error of `pg` or `knex`, and nothing that a caller has to know of either. */

/** The process did not reach the server, or the connection broke. */
const network_codes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/**
 * 08 connection, 53 resources (disk, memory, connections), 57014 statement timeout, 57P01–57P03 shutting down or
 * starting up, 57P05 and 25P03 idle too long, 55P03 lock timeout, 25006 a standby after failover, 40001 and 40P01
 * serialization and deadlock: nothing is wrong with the request, and the same one may succeed soon.
 */
const passing_states = /^(08...|53...|57014|57P0[1235]|25P03|25006|55P03|40001|40P01)$/;

/** These come without a code. knex puts the statement before them. */
const passing_messages =
  /(Connection terminated( unexpectedly| due to connection timeout)?|timeout expired|Query read timeout|Connection ended unexpectedly|Client has encountered a connection error and is not queryable|Client was closed and is not queryable|Unable to acquire a connection|Client network socket disconnected before secure TLS connection was established)$/;

/** True when the database cannot serve now and a retry may help: answered as 503, never as a bug. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  const state = sqlState(error);
  if (state !== undefined) return passing_states.test(state);
  if (code !== undefined && network_codes.has(code)) return true;
  // No socket there, or not ours to open; for a file these are accidents.
  if ((code === 'ENOENT' || code === 'EAGAIN') && syscall === 'connect') return true;
  if (error.name === 'KnexTimeoutError') return true;
  if (passing_messages.test(error.message)) return true;
  return error.cause !== undefined && error.cause !== error && isDatabaseUnavailable(error.cause);
}

/** Another held a lock for longer than `lock_timeout`. */
export function isLockTimeout(error: unknown): boolean {
  return sqlState(error) === '55P03';
}

/** Lock timeout, serialization, deadlock: another transaction was in the way. */
export function isLostToAnother(error: unknown): boolean {
  return /^(55P03|40001|40P01)$/.test(sqlState(error) ?? '');
}

/** The same, or a statement timeout: the same work in smaller parts may succeed at once. */
export function isTooMuchAtOnce(error: unknown): boolean {
  return sqlState(error) === '57014' || isLostToAnother(error);
}

/** The constraint that a statement broke (unique, foreign key, check, exclusion), by its name in the migrations. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!/^(23505|23503|23514|23P01)$/.test(sqlState(error) ?? '')) return undefined;
  const { constraint } = error as { constraint?: unknown };
  return typeof constraint === 'string' ? constraint : undefined;
}

/** PostgreSQL's five-character SQLSTATE, where the server itself spoke. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined;
}

/** What an error says, for people: of a statement that failed what PostgreSQL said, without the statement that knex puts before it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (sqlState(error) === undefined) return error.message;
  return error.message.slice(error.message.lastIndexOf('\n') + 1).replace(/^.* - (?=.)/, '');
}
