import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import t from 'tap';
import { readConfig } from '../../src/config.ts';
import { createServer } from '../../src/http/server.ts';

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
