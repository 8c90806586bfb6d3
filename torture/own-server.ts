import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type ConnectionSettings, clientConfig } from '../src/db/connection.ts';
import { startEmbedded } from '../src/db/embedded.ts';
import { readPostmaster } from '../src/db/embedded-process.ts';
import type { TortureContext } from './torture.ts';

/** A PostgreSQL that nobody else uses, with its safety on. */
export interface OwnServer {
  settings: ConnectionSettings;
  /** Ends it as `pg_ctl stop -m immediate` does: no checkpoint, every session broken. It is started again at once. */
  crash: () => Promise<void>;
  /** Resolves when another server than the crashed one takes connections. */
  untilBack: (within_ms: number) => Promise<void>;
  /** Stops it, and leaves it stopped. */
  leave: () => Promise<void>;
  /** Starts it where it was left. */
  enter: () => Promise<void>;
}

const poll_ms = 10;

/** In a temporary folder that goes with the context's owner. */
export async function openOwnServer({ log, signal, teardown }: TortureContext): Promise<OwnServer> {
  const folder = await mkdtemp(join(tmpdir(), 'conversar-torture-'));
  teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  await chmod(folder, 0o755); // as root the server runs as another user, who must get in
  const start = () => startEmbedded({ data_dir: folder, log: log.child({}, { level: 'error' }), signal });
  let embedded = await start();
  teardown(() => embedded.stop());
  const settings = embedded.connection;
  const pidOf = async () => (await readPostmaster(join(folder, 'postgres')))?.pid;
  let crashed: number | undefined;
  return {
    settings,
    crash: async () => {
      crashed = await pidOf();
      if (crashed !== undefined) process.kill(crashed, 'SIGQUIT');
    },
    untilBack: async (within_ms) => {
      for (const deadline = performance.now() + within_ms; performance.now() < deadline; ) {
        if ((await pidOf()) !== crashed && (await isTaking(settings))) return;
        await delay(poll_ms, undefined, { signal });
      }
      throw new Error(`PostgreSQL is not back after ${within_ms / 1_000} s`);
    },
    leave: () => embedded.stop(),
    enter: async () => {
      embedded = await start();
    },
  };
}

async function isTaking(settings: ConnectionSettings): Promise<boolean> {
  const client = new pg.Client(clientConfig(settings, 'conversar torture'));
  client.on('error', () => undefined); // told by the promise as well
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
