import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';
import type { ConnectionSettings } from '../../src/db/connection.ts';
import { databaseUrl } from './process.ts';

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

/** A TCP proxy in front of a database, on a free loopback port; closed when `t` ends. */
export async function startDatabaseProxy(t: Test, settings: ConnectionSettings): Promise<DatabaseProxy> {
  const sockets = new Set<Socket>();
  let is_silent = false;
  let port = 0;
  let server: Server | undefined;

  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const join = (client: Socket) => {
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
    server = createServer(join).listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  const cut = async () => {
    const listening = server;
    server = undefined;
    breakAll();
    await new Promise((resolve) => (listening ? listening.close(resolve) : resolve(undefined)));
  };
  await listen();
  t.teardown(cut);
  const url = new URL(databaseUrl(settings));
  url.host = `127.0.0.1:${port}`;
  url.search = '';
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
