import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Logger } from 'pino';
import { type ConnectionSettings, clientConfig, withDatabase } from '../src/db/connection.ts';
import { startEmbedded } from '../src/db/embedded.ts';

/** One PostgreSQL that all programs of a run share. */
export interface Server {
  /** What it promises: a figure without these two on is worth nothing. */
  facts: { version: string; fsync: string; synchronous_commit: string; is_embedded: boolean };
  /** An empty database, dropped with `close`. */
  createDatabase: (name: string) => Promise<ConnectionSettings>;
  /** CPU that all its processes have used so far, in ms (steps of 10); null where /proc does not tell. */
  readCpu: () => number | null;
  close: () => Promise<void>;
}

interface Held {
  settings: ConnectionSettings;
  stop: () => Promise<void>;
}

/** The server of `url`, else an embedded one in a temporary folder with its safety on. */
export async function openServer(url: string | undefined, log: Logger, signal: AbortSignal): Promise<Server> {
  const { settings, stop } = url
    ? { settings: { connection_string: url }, stop: async () => undefined }
    : await startTemporary(log, signal);
  const admin = new pg.Client(clientConfig(settings, 'conversar bench'));
  admin.on('error', () => undefined); // the running query rejects with the same error
  await admin.connect();
  const made: string[] = [];
  return {
    facts: { ...(await readFacts(admin)), is_embedded: url === undefined },
    createDatabase: async (purpose) => {
      const name = `conversar_bench_${process.pid}_${purpose}`;
      await admin.query(`create database ${name}`);
      made.push(name);
      return withDatabase(settings, name);
    },
    readCpu: cpuReader(await findPostmaster(admin)),
    close: async () => {
      try {
        for (const name of made) await admin.query(`drop database if exists ${name} with (force)`);
      } finally {
        await admin.end().catch(() => undefined);
        await stop();
      }
    },
  };
}

async function startTemporary(log: Logger, signal: AbortSignal): Promise<Held> {
  const folder = await mkdtemp(join(tmpdir(), 'conversar-bench-'));
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 10 });
  try {
    await chmod(folder, 0o755); // as root the server runs as another user, who must get in
    const embedded = await startEmbedded({ data_dir: folder, log, signal });
    return {
      settings: embedded.connection,
      stop: () => embedded.stop().then(remove),
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function readFacts(admin: pg.Client) {
  const { rows } = await admin.query<{ version: string; fsync: string; synchronous_commit: string }>(
    `select current_setting('server_version') as version, current_setting('fsync') as fsync,
            current_setting('synchronous_commit') as synchronous_commit`,
  );
  const [facts] = rows;
  if (!facts) throw new Error('the server does not tell its settings');
  return facts;
}

interface Stat {
  name: string;
  parent: number;
  /** In ticks of 10 ms: its own, and that of its children that have ended. */
  own: number;
  ended: number;
}

function readStat(pid: number | string): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold any character.
    const end = text.lastIndexOf(')');
    const fields = text.slice(end + 2).split(' ');
    const at = (place: number) => Number(fields[place]);
    return {
      name: text.slice(text.indexOf('(') + 1, end),
      parent: at(1),
      own: at(11) + at(12),
      ended: at(13) + at(14),
    };
  } catch {
    return null; // it has ended, or this is no Linux
  }
}

/** Undefined when the server is on another machine, or its numbers are those of another container. */
async function findPostmaster(admin: pg.Client): Promise<number | undefined> {
  const { rows } = await admin.query<{ pid: number }>('select pg_backend_pid() as pid');
  const backend = rows[0] && readStat(rows[0].pid);
  return backend?.name === 'postgres' ? backend.parent : undefined;
}

const tick_ms = 10;

function cpuReader(postmaster: number | undefined): () => number | null {
  if (postmaster === undefined) return () => null;
  return () => {
    const main = readStat(postmaster);
    if (!main) return null;
    const children = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(readStat)
      .filter((stat) => stat?.parent === postmaster);
    return tick_ms * children.reduce((sum, stat) => sum + (stat?.own ?? 0), main.own + main.ended);
  };
}
