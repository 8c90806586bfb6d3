/** The other side of all programs alike: takes what Graph takes and accepts it after a while; counts, and knows no more. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runProgram } from './child.ts';

/** What `GET /` tells, since the beginning. */
export interface Received {
  messages: number;
  /** To a number that had one already: in these benches each message is to a new one. */
  repeated: number;
}

runProgram(async () => {
  let latency_ms = 0;
  let made = 0;
  const received: Received = { messages: 0, repeated: 0 };
  const numbers = new Set<string>();

  const json = (response: ServerResponse, body: string) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  };
  const accept = (response: ServerResponse, body: string) => {
    const digits = /"to":"\+(\d+)"/.exec(body)?.[1] ?? '';
    made += 1;
    received.messages += 1;
    if (numbers.has(digits)) received.repeated += 1;
    numbers.add(digits);
    const answer = {
      messaging_product: 'whatsapp',
      contacts: [{ input: `+${digits}`, wa_id: digits }],
      messages: [{ id: `wamid.HBgNQkVOQ0hNQVJLCCCC${String(made).padStart(20, '0')}`, message_status: 'accepted' }],
    };
    const text = JSON.stringify(answer);
    if (latency_ms === 0) json(response, text);
    else setTimeout(json, latency_ms, response, text);
  };
  const server = createServer((request, response) => {
    if (request.method === 'GET') return json(response, JSON.stringify(received));
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      if (request.url !== '/latency') return accept(response, body);
      latency_ms = Number(body);
      json(response, '{}');
    });
  });
  // No program's connections may end of their own accord between two turns.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => server.closeAllConnections();
  return { url: `http://127.0.0.1:${port}`, close };
});
