import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

export interface ScriptedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** What the server does with a request that it has read whole. */
export type Reaction = (socket: Socket, request: ScriptedRequest) => void;

export interface ScriptedServer {
  port: number;
  origin: string;
  /** Requests read whole, oldest first, over all connections. */
  requests: ScriptedRequest[];
  connections: () => number;
  /** Replaces the script from the next request on; the last reaction repeats. */
  script: (...reactions: Reaction[]) => void;
  /** What happens to a connection before anything of it is read. */
  onConnection: (act: (socket: Socket) => void) => void;
  /** Resolves when `count` requests have been read in all. */
  received: (count: number) => Promise<void>;
  connected: () => Promise<void>;
  close: () => Promise<void>;
}

/** A raw HTTP/1.1 server on a free loopback port that answers byte for byte what the test scripts. */
export async function startScriptedServer(host = '127.0.0.1'): Promise<ScriptedServer> {
  let reactions: Reaction[] = [];
  let act: (socket: Socket) => void = () => {};
  let connections = 0;
  const requests: ScriptedRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    act(socket);
    readRequests(socket, (request) => {
      requests.push(request);
      const reaction = reactions.length > 1 ? reactions.shift() : reactions[0];
      reaction?.(socket, request);
      server.emit('request-read');
    });
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    requests,
    connections: () => connections,
    script: (...next) => {
      reactions = next;
    },
    onConnection: (next) => {
      act = next;
    },
    received: async (count) => {
      while (requests.length < count) await once(server, 'request-read');
    },
    connected: async () => {
      if (connections === 0) await once(server, 'connection');
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers with a status, a body and its right length. */
export function answer(status: number, body: string, headers: Record<string, string> = {}): Reaction {
  return (socket) => {
    const lines = Object.entries({ 'content-length': String(Buffer.byteLength(body)), ...headers });
    socket.write(
      `HTTP/1.1 ${status} Scripted\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
    );
  };
}

export function answerJson(status: number, body: unknown, headers: Record<string, string> = {}): Reaction {
  return answer(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

/** Announces more bytes than it sends, then closes. */
export function answerCut(status: number, body: string): Reaction {
  return (socket, request) => {
    answer(status, body, { 'content-length': String(Buffer.byteLength(body) + 100) })(socket, request);
    socket.end();
  };
}

export const staySilent: Reaction = () => {};
export const resetConnection: Reaction = (socket) => void socket.resetAndDestroy();
export const closeConnection: Reaction = (socket) => void socket.end();

/**
 * A loopback port on which nothing listens, and nobody will until `t` ends: it is the near end of an open connection.
 * One that was only found free may be another test's a moment later.
 */
export async function holdClosedPort(t: Test): Promise<number> {
  const far_end = createServer().listen(0, '127.0.0.1');
  await once(far_end, 'listening');
  const near_end = createConnection((far_end.address() as AddressInfo).port, '127.0.0.1');
  await once(near_end, 'connect');
  t.teardown(() => {
    near_end.destroy();
    far_end.close();
  });
  return near_end.localPort ?? 0;
}

function readRequests(socket: Socket, onRequest: (request: ScriptedRequest) => void): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const end = pending.indexOf('\r\n\r\n');
      if (end === -1) return;
      const [start = '', ...lines] = pending.subarray(0, end).toString('latin1').split('\r\n');
      const headers = Object.fromEntries(lines.map((line) => line.split(/:\s*(.*)/, 2) as [string, string]));
      const length = Number(headers['content-length'] ?? 0);
      if (pending.length < end + 4 + length) return;
      const body = pending.subarray(end + 4, end + 4 + length).toString('utf8');
      pending = pending.subarray(end + 4 + length);
      const [method = '', path = ''] = start.split(' ');
      onRequest({ method, path, headers, body });
    }
  });
}
