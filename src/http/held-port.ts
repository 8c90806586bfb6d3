import { createServer } from 'node:net';
import type { App } from './server.ts';

/**
 * Connections that the system holds until they are taken (Linux caps it at `net.core.somaxconn`). Beyond it a client believes
 * itself connected and waits in vain; Node's own 511 fill up in one rush.
 */
export const backlog = 4_096;

/** A port that is ours from now on, so that its address can be shown long before anything is served there. */
export interface HeldPort {
  port: number;
  /** Serves there. Until then who connects is turned away. */
  serve: (server: App) => Promise<void>;
  /** Gives the port back; closing the server that serves there does so, too. */
  close: () => void;
}

/** Takes a port of the system's choice on `host`. One that is found free and let go may be another's a moment later. */
export async function holdPort(host: string): Promise<HeldPort> {
  const holder = createServer((early) => early.destroy());
  await new Promise<void>((resolve, reject) =>
    holder.once('error', reject).listen({ port: 0, host, backlog }, resolve),
  );
  const address = holder.address();
  if (typeof address !== 'object' || !address) throw new Error(`no port on ${host}`);
  const serve = async (server: App) => {
    await server.ready();
    // Fastify's own `listen` always binds anew; Node's takes what another server has bound.
    await new Promise<void>((resolve, reject) => server.server.once('error', reject).listen(holder, backlog, resolve));
  };
  return { port: address.port, serve, close: () => void holder.close() };
}
