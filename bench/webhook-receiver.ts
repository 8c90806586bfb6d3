/** All receivers of webhooks: take whatever comes with 204, count it, and know no more. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runProgram } from './child.ts';

/** What `GET /` tells, since the last `DELETE /`. */
export interface Heard {
  calls: number;
  /** Of an id that the same path had already. */
  repeated: number;
}

runProgram(async () => {
  let heard: Heard = { calls: 0, repeated: 0 };
  const known = new Set<string>();
  const server = createServer((request, response) => {
    if (request.method !== 'POST') {
      if (request.method === 'DELETE') {
        heard = { calls: 0, repeated: 0 };
        known.clear();
      }
      response.end(JSON.stringify(heard));
      return;
    }
    const key = `${request.url} ${request.headers['webhook-id']}`;
    request.resume().once('end', () => {
      heard.calls += 1;
      if (known.has(key)) heard.repeated += 1;
      known.add(key);
      response.writeHead(204).end();
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: async () => server.closeAllConnections() };
});
