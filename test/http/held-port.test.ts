import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import pino from 'pino';
import t from 'tap';
import { readConfig } from '../../src/config.ts';
import { type HeldPort, holdPort } from '../../src/http/held-port.ts';
import { createServer as createHttpServer } from '../../src/http/server.ts';

const host = '127.0.0.1';

/** What comes of another process's try to listen there. */
async function tryToTake({ port }: HeldPort): Promise<string> {
  const other = createServer();
  const came = new Promise<string>((resolve) => {
    other.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    other.once('listening', () => resolve('taken'));
  });
  other.listen(port, host);
  const what = await came;
  if (what === 'taken') await new Promise((resolve) => other.close(resolve));
  return what;
}

async function createHealth() {
  const server = await createHttpServer(readConfig({}), pino({ level: 'silent' }));
  server.get('/health', { config: { public: true } }, async () => ({ ok: true }));
  return server;
}

t.test('a held port is nobody else’s, before it is served and while it is', async (t) => {
  const held = await holdPort(host);
  t.equal(await tryToTake(held), 'EADDRINUSE');
  const server = await createHealth();
  await held.serve(server);
  t.equal(await tryToTake(held), 'EADDRINUSE');
  const answer = await fetch(`http://${host}:${held.port}/health`);
  t.same([answer.status, await answer.json()], [200, { ok: true }]);

  await server.close();
  await t.rejects(fetch(`http://${host}:${held.port}/health`), 'the server that is closed listens no more');
  t.equal(await tryToTake(held), 'taken');
  held.close();
});

t.test('who connects before it is served is turned away, and served afterwards', async (t) => {
  const held = await holdPort(host);
  const early = createConnection(held.port, host);
  early.on('error', () => undefined);
  await once(early, 'close');

  const server = await createHealth();
  t.teardown(() => server.close());
  await held.serve(server);
  t.equal((await fetch(`http://${host}:${held.port}/health`)).status, 200);
});

t.test('one that is never served is given back', async (t) => {
  const held = await holdPort(host);
  held.close();
  t.equal(await tryToTake(held), 'taken');
});

t.test('a host that is none of this machine’s is an error', async (t) => {
  await t.rejects(holdPort('192.0.2.1'), { code: 'EADDRNOTAVAIL' });
});
