import { once } from 'node:events';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionSettings } from '../../src/db/connection.ts';
import { databaseUrl, type Owner } from './process.ts';

export interface DatabaseProxy {
  /** DATABASE_URL of the same database, through the proxy. */
  url: string;
  /** As a server that goes down: connections break, new ones are refused. */
  cut: () => Promise<void>;
  /** As a network that swallows everything: connections stay, new ones are taken, nothing passes. */
  silence: () => void;
  /** The database is back; what was silenced breaks. */
  restore: () => Promise<void>;
}

/**
 * A proxy in front of a database; closed when `t` ends. On a unix socket: a port that is let go while the database is
 * down may be another test's when it is back.
 */
export async function startDatabaseProxy(t: Owner, settings: ConnectionSettings): Promise<DatabaseProxy> {
  const sockets = new Set<Socket>();
  let is_silent = false;
  const folder = await mkdtemp(join(tmpdir(), 'conversar-proxy-'));
  const path = join(folder, '.s.PGSQL.5432');
  let server: Server | undefined;

  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const connectThrough = (client: Socket) => {
    keep(client);
    const upstream = createConnection(addressOf(settings));
    keep(upstream);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (chunk) => is_silent || to.write(chunk));
      from.on('close', () => to.destroy());
    }
  };
  const listen = async () => {
    await rm(path, { force: true });
    server = createServer(connectThrough).listen(path);
    await once(server, 'listening');
  };
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const cut = async () => {
    const listening = server;
    server = undefined;
    breakAll();
    if (!listening) return;
    // A closed server takes its socket's file along; without one a connection is not refused, it finds nothing.
    await rename(path, `${path}.kept`);
    const closed = new Promise((resolve) => listening.close(resolve));
    // Who was let in meanwhile would be waited for.
    breakAll();
    await closed;
    await rename(`${path}.kept`, path);
  };
  await listen();
  t.teardown(async () => {
    await cut();
    await rm(folder, { recursive: true, force: true });
  });
  const url = new URL(databaseUrl(settings));
  url.host = 'localhost';
  url.search = `?host=${encodeURIComponent(folder)}`;
  return {
    url: url.href,
    cut,
    silence: () => {
      is_silent = true;
    },
    restore: async () => {
      if (is_silent) breakAll();
      is_silent = false;
      if (!server) await listen();
    },
  };
}

function addressOf(settings: ConnectionSettings) {
  const url = new URL(databaseUrl(settings));
  const port = Number(url.port || 5432);
  const host = url.searchParams.get('host') ?? url.hostname;
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
}
