import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import t from 'tap';
import { readConfig } from '../../src/config.ts';
import { answerClientError } from '../../src/http/client-error.ts';
import { createServer } from '../../src/http/server.ts';
import { eventually } from '../support/service.ts';

/** Sends bytes as they are and reads until the server closes. */
async function exchange(port: number, bytes: string): Promise<{ head: string; body: Record<string, unknown> }> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return { head: head.toLowerCase(), body: JSON.parse(body) };
}

t.test('bytes that never become a request', async (t) => {
  const server = await createServer(readConfig({}), pino({ level: 'silent' }));
  t.teardown(() => server.close());
  await server.listen({ host: '127.0.0.1', port: 0 });
  const address = server.server.address();
  const port = typeof address === 'object' && address ? address.port : 0;

  t.test('no HTTP: 400 malformed_request as problem+json, and the connection is closed', async (t) => {
    const { head, body } = await exchange(port, 'what is this\r\n\r\n');
    t.match(head, /^http\/1\.1 400 /);
    t.match(head, 'content-type: application/problem+json');
    t.match(body, { status: 400, code: 'malformed_request', retryable: false, errors: [] });
    t.match(head, `x-request-id: ${body.request_id}`);
  });

  t.test('headers beyond 16 KB: 431 headers_too_large', async (t) => {
    const { head, body } = await exchange(port, `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`);
    t.match(head, /^http\/1\.1 431 /);
    t.match(body, { status: 431, code: 'headers_too_large' });
  });
});

t.test('a connection that was opened ahead is not answered before it asks; half a request is', async (t) => {
  // As in the service, but within a test's patience.
  const limits = { requestTimeout: 100, headersTimeout: 100, connectionsCheckingInterval: 50 };
  const server = createHttpServer(limits, (_, response) => response.end('answered'));
  const seen: number[] = [];
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    seen.push(socket.bytesRead);
    answerClientError(error, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ahead = connect(port, '127.0.0.1');
  const { head, body } = await exchange(port, 'GET / HT');
  t.match(head, /^http\/1\.1 408 /);
  t.match(body, { status: 408, code: 'request_timeout' });
  await eventually(
    async () => seen,
    (all) => all.includes(0),
  );
  ahead.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  t.match(await text(ahead), /^HTTP\/1\.1 200 OK\r\n.*answered/s);
});
