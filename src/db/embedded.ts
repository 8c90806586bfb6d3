import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import { type ConnectionSettings, clientConfig, withDatabase } from './connection.ts';
import { EmbeddedError, explainFileError } from './embedded-folder.ts';
import { preparePlace, readPassword, removeAddress } from './embedded-place.ts';
import {
  inspectProcess,
  type Place,
  type Postmaster,
  readPostmaster,
  removeStaleFile,
  signalServer,
  spawnServer,
} from './embedded-process.ts';
import { isDatabaseUnavailable, sqlState } from './pg-errors.ts';

export interface EmbeddedOptions {
  /** The database's files go to `<data_dir>/postgres`. */
  data_dir: string;
  log: Logger;
  /** Gives the start up; a server that runs is left alone. */
  signal: AbortSignal;
  /** False trades a crash's safety for speed: for tests. Default true. */
  fsync?: boolean;
  /** Default 100; more for a run of tests, which share one server. */
  max_connections?: number;
}

export interface Embedded {
  connection: ConnectionSettings;
  /** False when a living server was found and joined. */
  started: boolean;
  /** Leaves the server, and stops it unless another process of ours still uses it. Never throws. */
  stop: () => Promise<void>;
}

interface Held {
  keeper: pg.Client;
  started: boolean;
  connection: ConnectionSettings;
}

/** One open session per process: who holds one is counted before the server is stopped, and sees when it dies. */
const keeper_name = 'conversar keeper';
const leaving_name = 'conversar leaving';
const database_name = 'conversar';
const start_timeout_ms = 120_000;
/** How long a killed server's remains may hold up the next one. */
const remains_timeout_ms = 10_000;
const zombie_timeout_ms = 2_000;
const fast_stop_timeout_ms = 10_000;
const quit_timeout_ms = 5_000;
const poll_ms = 20;

/**
 * A PostgreSQL of our own on `data_dir`: joined when it already runs, else started (44 ms, a new one 0.9 s), and
 * started again whenever it dies, until `stop`. Throws EmbeddedError with a sentence for the operator.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { place, keeper, started, connection } = await begin(options).catch((error: unknown) => {
    throw explainFileError(error);
  });
  await createDatabase(keeper).catch(async (error: unknown) => {
    await keeper.end();
    throw error;
  });
  options.log.info({ folder: place.data, started }, 'embedded.ready');
  return { connection: withDatabase(connection, database_name), started, stop: keepAlive(place, keeper, options.log) };
}

async function begin(options: EmbeddedOptions): Promise<Held & { place: Place }> {
  const { data_dir, fsync = true, max_connections = 100, signal } = options;
  const place = await preparePlace(data_dir, { fsync, max_connections }, signal);
  return { place, ...(await holdServer(place, signal)) };
}

/** A session on the server of this folder, which is started for it when none lives. */
async function holdServer(place: Place, signal: AbortSignal): Promise<Held> {
  const password = await readPassword(place.data);
  const begun_at = performance.now();
  const waited_ms = () => performance.now() - begun_at;
  for (let started = false; waited_ms() < start_timeout_ms; await delay(poll_ms, undefined, { signal })) {
    const postmaster = await readPostmaster(place.data);
    if (postmaster) {
      const { host, port } = postmaster.host === '' ? place : postmaster;
      const connection = { host, port, user: 'conversar', database: 'postgres', ...(password && { password }) };
      const keeper = await openKeeper(connection);
      if (keeper) return { keeper, started, connection };
    }
    if (!postmaster || (await isOutOfTheWay(place, postmaster, waited_ms()))) {
      started = await tryToStart(place, signal, waited_ms() < remains_timeout_ms);
    }
  }
  throw new EmbeddedError(
    `The embedded PostgreSQL in ${place.data} took no connection within ${start_timeout_ms / 1000} s: see postgres.log beside that folder.`,
  );
}

/** False when another server, or what is left of one, still stands in the way and may yet go. */
async function tryToStart(place: Place, signal: AbortSignal, may_retry: boolean): Promise<boolean> {
  const { ready, log } = await spawnServer(place, signal);
  if (ready || (may_retry && /already exists|still in use|being used|Is another/.test(log))) return ready;
  throw new EmbeddedError(`The embedded PostgreSQL did not start: ${log.split('\n').slice(-4).join(' ')}`);
}

async function openKeeper(connection: ConnectionSettings): Promise<pg.Client | undefined> {
  const keeper = new pg.Client(clientConfig(connection, keeper_name));
  keeper.on('error', () => undefined); // its end is what is listened to
  try {
    await keeper.connect();
    return keeper;
  } catch (error) {
    await keeper.end().catch(() => undefined);
    if (isDatabaseUnavailable(error)) return undefined;
    throw new EmbeddedError(
      `The embedded PostgreSQL runs but refuses us (${error instanceof Error ? error.message : error}): run as the user who started it, or set DATABASE_URL.`,
      { cause: error },
    );
  }
}

/** True when the server that claimed the folder is surely gone; its claim is then cleared where PostgreSQL would not. */
async function isOutOfTheWay(place: Place, { pid }: Postmaster, waited_ms: number): Promise<boolean> {
  const state = await inspectProcess(pid, place.data);
  if (state === 'gone') return true;
  if (state === 'foreign' || (state === 'zombie' && waited_ms > zombie_timeout_ms)) {
    await removeStaleFile(place.data);
    return true;
  }
  return false;
}

async function createDatabase(keeper: pg.Client): Promise<void> {
  const { rowCount } = await keeper.query('select from pg_database where datname = $1', [database_name]);
  if (rowCount) return;
  await keeper.query(`create database ${database_name}`).catch((error: unknown) => {
    if (sqlState(error) !== '42P04' && sqlState(error) !== '23505') throw error; // another process was first
  });
}

/** Starts the server again whenever the keeper's session breaks; answers the function that ends all of it. */
function keepAlive(place: Place, first: pg.Client, log: Logger): () => Promise<void> {
  const stopping = new AbortController();
  let keeper: pg.Client | undefined;
  let reviving: Promise<void> = Promise.resolve();
  const watch = (next: pg.Client) => {
    keeper = next;
    next.once('end', () => {
      keeper = undefined;
      if (!stopping.signal.aborted)
        reviving = revive(place, log, stopping.signal).then((found) => found && watch(found));
    });
  };
  watch(first);
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    stopping.abort();
    await reviving;
    if (keeper) await leave(place, keeper, log);
  };
  return () => {
    stopped ??= stop().catch((error: unknown) => log.error({ err: error }, 'embedded.stop_failed'));
    return stopped;
  };
}

async function revive(place: Place, log: Logger, signal: AbortSignal): Promise<pg.Client | undefined> {
  log.warn({ folder: place.data }, 'embedded.lost');
  while (!signal.aborted) {
    try {
      const { keeper, started } = await holdServer(place, signal);
      log.info({ folder: place.data, started }, 'embedded.ready');
      return keeper;
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'embedded.start_failed');
      await delay(1_000, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}

/** Of two that leave at once, at least the later sees nobody else: each first takes its own name off the list. */
async function leave(place: Place, keeper: pg.Client, log: Logger): Promise<void> {
  try {
    await keeper.query(`set application_name = '${leaving_name}'`);
    const { rows } = await keeper.query<{ others: number }>(
      'select count(*) as others from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()',
      [keeper_name],
    );
    const others = rows[0]?.others ?? 0;
    if (others > 0) return log.info({ others }, 'embedded.left_running');
  } finally {
    await keeper.end().catch(() => undefined);
  }
  const postmaster = await readPostmaster(place.data);
  // In another container the number means another process.
  if (!postmaster || (await inspectProcess(postmaster.pid, place.data)) !== 'ours') return;
  await signalServer(place, postmaster.pid, 'fast');
  if (!(await isGone(place, postmaster.pid, fast_stop_timeout_ms))) {
    log.warn('embedded.slow_stop');
    await signalServer(place, postmaster.pid, 'quit');
    await isGone(place, postmaster.pid, quit_timeout_ms);
  }
  await removeAddress(place);
  log.info('embedded.stopped');
}

async function isGone(place: Place, pid: number, timeout_ms: number): Promise<boolean> {
  const deadline = performance.now() + timeout_ms;
  while (performance.now() < deadline) {
    if ((await inspectProcess(pid, place.data)) !== 'ours') return true;
    await delay(poll_ms);
  }
  return false;
}
