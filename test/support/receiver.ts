import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Test } from 'tap';
import type { Body } from './service.ts';

/** One call of a webhook endpoint, as it came in. */
export interface ReceivedCall {
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  event: Body;
}

/** What a path answers with; a function may keep the answer back. */
type Script = number | ((response: ServerResponse, call: ReceivedCall) => void);

export interface Receiver {
  url: string;
  /** In the order in which they came in. */
  calls: ReceivedCall[];
  callsOf: (path: string) => ReceivedCall[];
  /** From now on; 204 where nothing was said. */
  answer: (path: string, script: Script) => void;
  /** The most that were in the air at once, by path. */
  most_at_once: Map<string, number>;
}

/** A CRM: a real server that keeps what it is told and answers as it is scripted. */
export async function startReceiver(t: Test): Promise<Receiver> {
  const calls: ReceivedCall[] = [];
  const scripts = new Map<string, Script>();
  const in_air = new Map<string, number>();
  const most_at_once = new Map<string, number>();
  const count = (path: string, change: number) => {
    const now = (in_air.get(path) ?? 0) + change;
    in_air.set(path, now);
    most_at_once.set(path, Math.max(now, most_at_once.get(path) ?? 0));
  };
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    count(path, 1);
    response.once('close', () => count(path, -1));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const call = { path, headers: request.headers, text, event: JSON.parse(text) as Body };
    calls.push(call);
    const script = scripts.get(path) ?? 204;
    if (typeof script === 'number') response.writeHead(script).end();
    else script(response, call);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    callsOf: (path) => calls.filter((call) => call.path === path),
    answer: (path, script) => void scripts.set(path, script),
    most_at_once,
  };
}

/** Judged by the package of those who wrote the standard: throws unless the signature is good. Returns the event. */
export function verify(secret: string, { headers, text }: ReceivedCall): Body {
  return new Webhook(secret).verify(text, headers as Record<string, string>);
}
