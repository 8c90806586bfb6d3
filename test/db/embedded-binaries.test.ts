import { cp, mkdir, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { findBinaries, prepareBinaries } from '../../src/db/embedded-binaries.ts';
import { createDataFolder } from '../support/embedded-folder.ts';

const is_root = process.getuid?.() === 0;
const without_root = { skip: is_root ? false : 'only root can become another user' };

t.test('a platform without a package is told to set DATABASE_URL, in one sentence', async (t) => {
  await t.rejects(findBinaries('sunos', 'sparc'), {
    name: 'EmbeddedError',
    message: 'There is no embedded PostgreSQL for sunos on sparc: set DATABASE_URL to a PostgreSQL 15 or newer.',
  });
});

t.test('the library links that install scripts would have made are made at start', async (t) => {
  const folder = join(await createDataFolder(t), 'native');
  const found = await findBinaries();
  await cp(found.folder, folder, { recursive: true, verbatimSymlinks: true });
  await Promise.all(['libpq.so.5', 'libpq.so', 'libicuuc.so.60'].map((name) => rm(join(folder, 'lib', name))));
  const ready = await prepareBinaries({ ...found, folder }, join(folder, '..'), undefined);
  t.equal(ready.folder, folder, 'in place');
  t.equal(await readlink(join(folder, 'lib', 'libpq.so.5')), 'libpq.so.5.18');
});

t.test('binaries that the server’s user cannot reach are copied to where it can', without_root, async (t) => {
  const home = await createDataFolder(t);
  const locked = join(home, 'locked');
  await mkdir(locked, { mode: 0o700 });
  const found = await findBinaries();
  await cp(found.folder, join(locked, 'native'), { recursive: true, verbatimSymlinks: true });
  const user = { uid: 65_534, gid: 65_534 };
  const ready = await prepareBinaries({ ...found, folder: join(locked, 'native') }, home, user);
  t.equal(ready.folder, join(home, `postgres-binaries-${found.version}`));
  t.same(await prepareBinaries({ ...found, folder: join(locked, 'native') }, home, user), ready, 'copied once');
});
