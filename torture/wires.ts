import { connect, type Socket } from 'node:net';

/** What came of one request. */
export interface Shot {
  status: number | null;
  answered_at: number;
  took_ms: number;
  /** Why none came. */
  broke: string | null;
}

/** Connections that are kept open, one request in the air on each. */
export interface Wires {
  /** Writes it on a free connection and reads what it is answered. Throws when none is free: ask `free` before. */
  shoot: (request: string) => Promise<Shot>;
  free: () => number;
  close: () => void;
}

interface Wire {
  socket: Socket | null;
  /** What has come of the answer so far. */
  heard: string;
  settle: ((status: number | null, broke: string | null) => void) | null;
}

/**
 * `count` connections to `url`, written by hand: a client that takes as much of the machine as the service does measures
 * itself. It reads a status and as many bytes as `content-length` says, and nothing else of HTTP.
 */
export async function openWires(url: string, count: number, given_up_ms: number): Promise<Wires> {
  const { hostname, port } = new URL(url);
  const free: Wire[] = [];
  const all: Wire[] = Array.from({ length: count }, () => ({ socket: null, heard: '', settle: null }));
  const open = (wire: Wire) =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      socket.setEncoding('latin1');
      socket.once('connect', resolve);
      socket.on('data', (text: string) => hear(wire, text));
      socket.on('error', reject);
      socket.on('close', () => {
        wire.socket = null;
        reject(new Error('closed'));
        wire.settle?.(null, 'closed before an answer');
      });
      wire.socket = socket;
    });
  for (const wire of all) {
    await open(wire);
    free.push(wire);
  }
  return {
    free: () => free.length,
    shoot: async (request) => {
      const wire = free.pop();
      if (!wire) throw new Error('no connection is free');
      const begun_at = performance.now();
      const timer = setTimeout(() => wire.socket?.destroy(), given_up_ms);
      if (!wire.socket) await open(wire).catch(() => undefined);
      return new Promise<Shot>((resolve) => {
        wire.heard = '';
        wire.settle = (status, broke) => {
          clearTimeout(timer);
          wire.settle = null;
          free.push(wire);
          const answered_at = performance.now();
          resolve({ status, answered_at, took_ms: answered_at - begun_at, broke });
        };
        if (wire.socket) wire.socket.write(request);
        else wire.settle(null, 'refused');
      });
    },
    close: () => {
      for (const { socket } of all) socket?.destroy();
    },
  };
}

function hear(wire: Wire, text: string): void {
  wire.heard += text;
  const head = wire.heard.indexOf('\r\n\r\n');
  if (head === -1) return;
  const length = /\r\ncontent-length: (\d+)/i.exec(wire.heard)?.[1];
  if (length === undefined || wire.heard.length < head + 4 + Number(length)) return;
  wire.settle?.(Number(wire.heard.slice(9, 12)), null);
}
