import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pino from 'pino';
import t from 'tap';
import { startEmbedded } from '../../src/db/embedded.ts';
import { inspectProcess } from '../../src/db/embedded-process.ts';
import {
  ask,
  askUntilAnswered,
  createDataFolder,
  hold,
  holdElsewhere,
  killServer,
  serverPid,
} from '../support/embedded-folder.ts';

const is_root = process.getuid?.() === 0;
const without_root = { skip: is_root ? false : 'only root can become another user' };

t.jobs = 3; // each has a folder of its own and mostly waits

t.test('a new folder becomes a database, and is reopened with what it held', async (t) => {
  const folder = await createDataFolder(t);
  const first = await hold(t, folder);
  t.equal(first.started, true);
  await ask(first.connection, 'create table kept (id int); insert into kept values (7)');
  const pid = await serverPid(folder);
  await first.stop();
  t.not(await inspectProcess(pid, join(folder, 'postgres')), 'ours', 'stop ends the server');

  const second = await hold(t, folder);
  t.equal(second.started, true);
  t.same(await ask(second.connection, 'select id from kept'), [{ id: 7 }]);
});

t.test('settings are what durability and our numbers rest on', async (t) => {
  const folder = await createDataFolder(t);
  const { connection } = await hold(t, folder);
  const [settings] = await ask(
    connection,
    `select current_setting('synchronous_commit') as synchronous_commit, current_setting('max_connections') as max_connections,
            current_setting('listen_addresses') as listen_addresses, current_setting('server_encoding') as encoding,
            current_setting('shared_preload_libraries') as libraries, current_database() as database`,
  );
  t.same(settings, {
    synchronous_commit: 'on',
    max_connections: '100',
    listen_addresses: '',
    encoding: 'UTF8',
    libraries: '',
    database: 'conversar',
  });
});

t.test('after kill -9 of its process the server lives on and is joined', async (t) => {
  const folder = await createDataFolder(t);
  const holder = await holdElsewhere(t, folder);
  await ask(holder.connection, 'create table kept (id int); insert into kept values (7)');
  const pid = await serverPid(folder);
  holder.child.kill('SIGKILL');
  await once(holder.child, 'exit');

  const joined = await hold(t, folder);
  t.equal(joined.started, false);
  t.equal(await serverPid(folder), pid, 'the same server');
  t.same(await ask(joined.connection, 'select id from kept'), [{ id: 7 }]);
  await joined.stop();
  t.not(await inspectProcess(pid, join(folder, 'postgres')), 'ours', 'the last one to leave stops it');
});

t.test('after kill -9 of the server it is started again at the same address, acknowledged rows in it', async (t) => {
  const folder = await createDataFolder(t);
  const { connection } = await hold(t, folder);
  await ask(connection, 'create table kept (id int); insert into kept values (7)');
  const pid = await serverPid(folder);
  await killServer(folder);
  t.same(await askUntilAnswered(connection, 'select id from kept'), [{ id: 7 }]);
  t.not(await serverPid(folder), pid);
});

t.test('after kill -9 of process and server the next start recovers', async (t) => {
  const folder = await createDataFolder(t);
  const holder = await holdElsewhere(t, folder);
  await ask(holder.connection, 'create table kept (id int); insert into kept values (7)');
  holder.child.kill('SIGKILL');
  await killServer(folder);

  const next = await hold(t, folder);
  t.equal(next.started, true);
  t.same(await ask(next.connection, 'select id from kept'), [{ id: 7 }]);
});

t.test('a second process shares the server, and neither pulls it from under the other', async (t) => {
  const folder = await createDataFolder(t);
  const first = await hold(t, folder);
  const pid = await serverPid(folder);
  const second = await holdElsewhere(t, folder);
  t.equal(second.started, false);
  t.same(second.connection, first.connection);

  await first.stop();
  t.same(await ask(second.connection, 'select 1 as one'), [{ one: 1 }], 'the first has left, the second goes on');
  t.equal(await serverPid(folder), pid);
  await second.release();
  t.not(await inspectProcess(pid, join(folder, 'postgres')), 'ours', 'the last one to leave stops it');
});

t.test('processes that start at once on a new folder make one database and one server', async (t) => {
  const folder = await createDataFolder(t);
  const holders = await Promise.all([1, 2, 3].map(() => holdElsewhere(t, folder)));
  t.equal(holders.filter(({ started }) => started).length, 1);
  const starts = await Promise.all(
    holders.map(({ connection }) => ask(connection, 'select pg_postmaster_start_time()::text as at')),
  );
  t.equal(new Set(starts.map((rows) => JSON.stringify(rows))).size, 1);
  const pid = await serverPid(folder);
  await Promise.all(holders.map(({ release }) => release()));
  t.not(await inspectProcess(pid, join(folder, 'postgres')), 'ours', 'left by all at once, it is stopped');
});

t.test('a postmaster.pid whose number now belongs to another program is cleared', async (t) => {
  const folder = await createDataFolder(t);
  await (await hold(t, folder)).stop();
  const stale = [process.pid, join(folder, 'postgres'), 1, 5432, join(folder, 'postgres'), '', '1 1', 'ready'];
  await writeFile(join(folder, 'postgres', 'postmaster.pid'), `${stale.join('\n')}\n`);
  const next = await hold(t, folder);
  t.equal(next.started, true);
  t.not(await serverPid(folder), process.pid);
});

t.test('a folder with a long name gets its socket elsewhere, and a second process finds it', async (t) => {
  const folder = join(await createDataFolder(t), 'a-rather-long-name-for-a-folder/'.repeat(4));
  const first = await hold(t, folder);
  const second = await holdElsewhere(t, folder);
  t.same(second.connection, first.connection);
  t.ok('host' in first.connection && Buffer.byteLength(first.connection.host) < 90);
  await second.release();
  await first.stop();
});

t.test('no statement and nobody’s number reaches the server’s log', async (t) => {
  const folder = await createDataFolder(t);
  const { connection } = await hold(t, folder);
  await ask(connection, 'create table people (phone text unique)');
  await ask(connection, `insert into people values ('+5531988880001')`);
  await t.rejects(ask(connection, `insert into people values ('+5531988880001')`));
  t.notMatch(await readFile(join(folder, 'postgres.log'), 'utf8'), '98888');
});

t.test('an aborted start says so and leaves no half database', async (t) => {
  const folder = await createDataFolder(t);
  const log = pino({ level: 'silent' });
  await t.rejects(startEmbedded({ data_dir: folder, log, signal: AbortSignal.timeout(50), fsync: false }));
  t.equal((await hold(t, folder)).started, true);
});

t.test('a data folder that is a file is named in the error', async (t) => {
  const path = join(await createDataFolder(t), 'file');
  await writeFile(path, '');
  const log = pino({ level: 'silent' });
  await t.rejects(startEmbedded({ data_dir: path, log, signal: AbortSignal.timeout(10_000) }), {
    name: 'EmbeddedError',
    message: `${path} is no folder (EEXIST): choose another data folder, or set DATABASE_URL.`,
  });
});

t.test('files that are no database of this version are refused with what the server says', async (t) => {
  const folder = await createDataFolder(t);
  await (await hold(t, folder)).stop();
  await writeFile(join(folder, 'postgres', 'PG_VERSION'), '14\n');
  const log = pino({ level: 'silent' });
  await t.rejects(startEmbedded({ data_dir: folder, log, signal: AbortSignal.timeout(10_000) }), {
    name: 'EmbeddedError',
    message: /did not start: .*initialized by PostgreSQL version 14/s,
  });
});

t.test(
  'as root, below a folder that others cannot enter, the server’s files go to /var/lib',
  without_root,
  async (t) => {
    const locked = join(await createDataFolder(t), 'locked');
    await mkdir(locked, { mode: 0o700 });
    const first = await hold(t, join(locked, 'data'));
    const data = 'host' in first.connection ? first.connection.host : '';
    t.teardown(() => rm(dirname(data), { recursive: true, force: true }));
    t.match(data, /^\/var\/lib\/conversar\/[0-9a-f]{16}\/postgres$/);
    await ask(first.connection, 'create table kept (id int); insert into kept values (7)');
    await first.stop();
    const second = await hold(t, join(locked, 'data'));
    t.same(await ask(second.connection, 'select id from kept'), [{ id: 7 }], 'found there again');
    await second.stop();
    await chmod(locked, 0o755);
    const third = await hold(t, join(locked, 'data'));
    t.same(await ask(third.connection, 'select id from kept'), [{ id: 7 }], 'also when the folder is opened later');
    await third.stop();
  },
);

t.test('a plain user’s database is served by root as that user', without_root, async (t) => {
  const folder = await createDataFolder(t);
  await chmod(folder, 0o777);
  const plain = await holdElsewhere(t, folder, { uid: 1, gid: 1 });
  t.equal(plain.started, true);
  await plain.release();
  const root = await hold(t, folder);
  t.equal(root.started, true);
  const { uid } = await stat(join(folder, 'postgres', 'postmaster.pid'));
  t.equal(uid, 1, 'the server runs as the one whose database it is');
});
