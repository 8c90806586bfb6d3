/** The least that tells events: bare POSTs of ready bodies, four in the air at each endpoint. Nothing read, signed or written. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';
import { runProgram } from './child.ts';

/** What to send: `POST /` is answered when all of it is told. */
export interface ToTell {
  urls: string[];
  ids: string[];
  body: string;
}

const at_once = 4;

runProgram(async () => {
  const agent = new Agent({ connections: 128, pipelining: 1 });
  const tell = async (url: string, id: string, body: string): Promise<void> => {
    const { origin, pathname } = new URL(url);
    const headers = { 'content-type': 'application/json', 'webhook-id': id };
    const answer = await agent.request({ origin, path: pathname, method: 'POST', headers, body });
    await answer.body.dump();
  };
  const tellAll = async ({ urls, ids, body }: ToTell): Promise<void> => {
    await Promise.all(
      urls.flatMap((url) => {
        const waiting = [...ids];
        return Array.from({ length: at_once }, async () => {
          for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await tell(url, id, body);
        });
      }),
    );
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    await tellAll(JSON.parse(Buffer.concat(chunks).toString()) as ToTell);
    response.end('{}');
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await agent.destroy();
  };
  return { url: `http://127.0.0.1:${port}`, close };
});
