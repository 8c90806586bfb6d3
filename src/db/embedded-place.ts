import { randomBytes } from 'node:crypto';
import { chown, lstat, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findBinaries, prepareBinaries } from './embedded-binaries.ts';
import { chooseHome, makePrivateFolder, type ServerUser } from './embedded-folder.ts';
import { initialiseData, inspectProcess, type Place, passwordFile, readPostmaster } from './embedded-process.ts';

/** macOS allows 103 bytes for a socket's path, Linux 107. */
const socket_path_bytes_max = 103;
const socket_port = 5432;
const passing_prefix = 'postgres.new-';

/** Binaries, a database's files and an address: all that must be there before the server can start. */
export async function preparePlace(
  data_dir: string,
  server: Pick<Place, 'fsync' | 'max_connections'>,
  signal: AbortSignal,
): Promise<Place> {
  const found = await findBinaries();
  const { folder: home, user } = await chooseHome(data_dir);
  const binaries = await prepareBinaries(found, home, user);
  const data = join(home, 'postgres');
  if (!(await isInitialised(data))) await createData({ binaries, data, user, ...server }, home, signal);
  return { binaries, data, user, ...server, ...(await chooseAddress(data, user)) };
}

/** The password of the one platform without unix sockets; undefined elsewhere. */
export async function readPassword(data: string): Promise<string | undefined> {
  return process.platform === 'win32' ? (await readFile(passwordFile(data), 'utf8')).trim() : undefined;
}

async function isInitialised(data: string): Promise<boolean> {
  return lstat(join(data, 'PG_VERSION')).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

/** Made under a passing name and renamed when whole: neither a crash nor a twin leaves half a database behind. */
async function createData(place: Omit<Place, 'host' | 'port'>, home: string, signal: AbortSignal): Promise<void> {
  await removeAbandoned(home);
  const passing = join(home, `${passing_prefix}${process.pid}-${randomBytes(4).toString('hex')}`);
  if (process.platform === 'win32') await writePassword(place.data);
  try {
    await makePrivateFolder(passing, place.user);
    await initialiseData(place, passing, signal);
    await rename(passing, place.data);
    await syncFolder(home);
  } catch (error) {
    await rm(passing, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if ((code === 'ENOTEMPTY' || code === 'EEXIST') && (await isInitialised(place.data))) return; // the twin's
    throw error;
  }
}

/** What a start left behind that was killed within its 0.9 s. */
async function removeAbandoned(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const pid = name.startsWith(passing_prefix) ? Number.parseInt(name.slice(passing_prefix.length), 10) : Number.NaN;
    if (Number.isInteger(pid) && (await inspectProcess(pid, home)) === 'gone') {
      await rm(join(home, name), { recursive: true, force: true });
    }
  }
}

/** What was made or renamed in a folder is on the disk. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // folders cannot be opened there
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}

async function writePassword(data: string): Promise<void> {
  const password = randomBytes(24).toString('base64url');
  await writeFile(passwordFile(data), password, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** The last server's address where it still serves, since other processes may hold on to it; else a new one. */
async function chooseAddress(data: string, user: ServerUser | undefined): Promise<{ host: string; port: number }> {
  const last = await readPostmaster(data);
  if (process.platform === 'win32') return { host: '127.0.0.1', port: last?.port ?? (await freePort()) };
  if (Buffer.byteLength(socketPath(data)) <= socket_path_bytes_max && !/[",]/.test(data)) {
    return { host: data, port: socket_port };
  }
  if (last && (await isPrivate(last.host, user))) return { host: last.host, port: socket_port };
  const host = await mkdtemp(join(tmpdir(), 'conversar-'));
  if (user) await chown(host, user.uid, user.gid);
  return { host, port: socket_port };
}

/** Removes the socket's folder where it is one that `chooseAddress` made. */
export async function removeAddress({ host, data }: Place): Promise<void> {
  if (dirname(host) === tmpdir() && host !== data) await rm(host, { recursive: true, force: true });
}

function socketPath(folder: string): string {
  return join(folder, `.s.PGSQL.${socket_port}`);
}

async function isPrivate(folder: string, user: ServerUser | undefined): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === (user?.uid ?? process.getuid?.()) && (found.mode & 0o077) === 0;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
