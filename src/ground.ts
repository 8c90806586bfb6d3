import { randomBytes } from 'node:crypto';
import { access, link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import type { Ground } from './app.ts';
import { type Config, ConfigError } from './config.ts';
import { type ConnectionSettings, connect } from './db/connection.ts';
import { startEmbedded } from './db/embedded.ts';
import { syncFolder } from './db/embedded-place.ts';
import { migrate } from './db/migrate.ts';
import { hasAccounts } from './features/accounts/accounts.repository.ts';
import { renumberRestoredEvents } from './features/events/renumber-events.ts';
import { renumberReadPlaces } from './features/webhooks/endpoints.repository.ts';
import { type HeldPort, holdPort } from './http/held-port.ts';
import { createKeyRing, type MasterKey } from './seal.ts';

export interface OpenGround extends Ground {
  /** Of PORT=0: chosen and kept, since the address is part of what we show before we listen. */
  held_port: HeldPort | null;
  close: () => Promise<void>;
}

/** A migrated database, the key ring and the port: what every command but `simulator` and `openapi` stands on. */
export async function openGround(config: Config, log: Logger, signal: AbortSignal): Promise<OpenGround> {
  const held_port = config.port === 0 ? await holdPort(config.host) : null;
  const port = held_port?.port ?? config.port;
  const { settings, stop } = await openDatabase(config, log, signal).catch((error: unknown) => {
    held_port?.close();
    throw error;
  });
  try {
    const { applied } = await migrate(settings, { log, signal });
    if (applied.length > 0) log.info({ applied }, 'database.migrated');
    const db = connect(settings, { pool_max: config.pool_max, application_name: 'conversar', log });
    const prepare = async () => {
      await renumberRestoredEvents({ db, log }, renumberReadPlaces);
      return createKeyRing(config.master_keys ?? (await readMasterKey(config.data_dir, await hasAccounts({ db }))));
    };
    const key_ring = await prepare().catch(async (error: unknown) => {
      await db.destroy();
      throw error;
    });
    const public_url =
      config.public_url ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
    const close = async () => {
      held_port?.close();
      await db.destroy();
      await stop();
    };
    return { config: { ...config, port }, public_url, db, settings, key_ring, log, held_port, close };
  } catch (error) {
    held_port?.close();
    await stop();
    throw error;
  }
}

async function openDatabase(
  config: Config,
  log: Logger,
  signal: AbortSignal,
): Promise<{ settings: ConnectionSettings; stop: () => Promise<void> }> {
  if (config.database_url !== null)
    return { settings: { connection_string: config.database_url }, stop: async () => undefined };
  const { connection, stop } = await startEmbedded({ data_dir: config.data_dir, log, signal });
  return { settings: connection, stop };
}

/** Whole and on the disk before it has its name; of two processes the first wins, the other reads what it wrote. */
async function createMasterKey(path: string): Promise<void> {
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      const kid = `local-${randomBytes(4).toString('hex')}`;
      await file.writeFile(`${kid}:${randomBytes(32).toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(path));
}

/**
 * The generated master key of an embedded installation. Whoever loses the file loses what it sealed: where accounts are, none is
 * made in its place.
 */
async function readMasterKey(data_dir: string, has_accounts: boolean): Promise<MasterKey[]> {
  const path = join(data_dir, 'master.key');
  await mkdir(data_dir, { recursive: true });
  await access(path).catch(() => {
    if (!has_accounts) return createMasterKey(path);
    throw new ConfigError(
      `${path} is missing, and what the accounts of this database hold is sealed with it: put the file back, or set CONVERSAR_MASTER_KEYS to what was in it.`,
    );
  });
  const [, kid, encoded] = /^([A-Za-z0-9_-]{1,32}):(\S+)\n?$/.exec(await readFile(path, 'utf8')) ?? [];
  const key = Buffer.from(encoded ?? '', 'base64');
  if (!kid || key.length !== 32)
    throw new ConfigError(`${path} is no master key; put the right file back, or set CONVERSAR_MASTER_KEYS.`);
  return [{ kid, key }];
}
