import { createServer } from 'node:net';
import pino from 'pino';
import t from 'tap';
import { readConfig } from '../src/config.ts';
import { openGround } from '../src/ground.ts';
import { createDatabase } from './support/database.ts';
import { databaseUrl, processSettings } from './support/process.ts';
import { eventually } from './support/service.ts';

const log = pino({ level: 'silent' });
const { settings } = await createDatabase(t);
const env = processSettings(databaseUrl(settings));
const open = (over: Record<string, string> = {}) =>
  openGround(readConfig({ ...env, ...over }), log, AbortSignal.timeout(60_000));

/** Resolves with null when `port` could be had, else with the error's code. */
const tryToTake = (port: number) =>
  new Promise<string | null>((resolve) => {
    const other = createServer();
    other.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    other.listen(port, '127.0.0.1', () => other.close(() => resolve(null)));
  });

t.test('PORT=0: the address is told before anything listens, and is kept until then', async (t) => {
  const ground = await open();
  const { port } = ground.config;
  t.equal(ground.public_url, `http://127.0.0.1:${port}`);
  t.equal(await tryToTake(port), 'EADDRINUSE');
  await ground.close();
  t.equal(await tryToTake(port), null, 'a command that serves nothing gives it back');
});

t.test('PORT=0 where the database cannot be reached: nothing is kept', async (t) => {
  const held = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
  await eventually(
    async () => held(),
    (count) => count === 0,
  );
  await t.rejects(open({ DATABASE_URL: 'postgres://127.0.0.1:1/none' }), { code: 'ECONNREFUSED' });
  await eventually(
    async () => held(),
    (count) => count === 0,
  );
});

t.test('a port of one’s own is not touched before it is served', async (t) => {
  const ground = await open({ PORT: '3000' });
  t.teardown(ground.close);
  t.equal(ground.held_port, null);
  t.equal(ground.public_url, 'http://127.0.0.1:3000');
});
