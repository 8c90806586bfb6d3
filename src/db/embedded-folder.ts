import { createHash } from 'node:crypto';
import { access, chmod, chown, constants, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** The embedded database cannot be used here; the message says why and what to do, in one or two sentences. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
}

/** Whom the server runs as when we are root, which PostgreSQL refuses. */
export interface ServerUser {
  uid: number;
  gid: number;
}

export interface Home {
  /** Holds `postgres/` (the data), `postgres.log` and, where needed, a copy of the binaries. */
  folder: string;
  /** Undefined: the server runs as we do. */
  user: ServerUser | undefined;
}

const nobody: ServerUser = { uid: 65_534, gid: 65_534 };
const root_home = '/var/lib/conversar';

/**
 * A folder for the server's files that its user can enter: `data_dir`, or, when we are root and a parent of it is
 * closed to others (/root), one of its own below /var/lib/conversar; what was begun there stays there, also when the parent is
 * opened later. Throws EmbeddedError where neither can be had.
 */
export async function chooseHome(data_dir: string): Promise<Home> {
  const wanted = await makeFolder(resolve(data_dir));
  const user = await serverUser(join(wanted, 'postgres'));
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  const elsewhere = join(root_home, name);
  if (!(await isThere(join(wanted, 'postgres'))) && (await isThere(join(elsewhere, 'postgres')))) {
    if (user !== undefined) return { folder: elsewhere, user: await serverUser(join(elsewhere, 'postgres')) };
    throw new EmbeddedError(
      `The database of ${wanted} is in ${elsewhere}, where root began it: start as root, or move ${join(elsewhere, 'postgres')} into ${wanted} and give it to your user.`,
    );
  }
  if (user === undefined) {
    await access(wanted, constants.R_OK | constants.W_OK | constants.X_OK);
    return { folder: wanted, user };
  }
  if (await canEnter(wanted, user)) return { folder: wanted, user };
  if (await isThere(join(wanted, 'postgres', 'PG_VERSION'))) {
    throw new EmbeddedError(
      `The database in ${join(wanted, 'postgres')} belongs to user ${user.uid}, who cannot enter a folder above it: open those folders (chmod o+x), or set DATABASE_URL.`,
    );
  }
  const folder = await makeFolder(elsewhere);
  const other = await serverUser(join(folder, 'postgres'));
  if (await canEnter(folder, other)) return { folder, user: other };
  throw new EmbeddedError(
    `PostgreSQL does not run as root, and user ${other?.uid} can enter neither ${wanted} nor ${folder}: choose another data folder, or set DATABASE_URL.`,
  );
}

/** Whether the server's user can walk down to `path` and into it (read and run it, for a file). */
export async function canEnter(path: string, user: ServerUser | undefined): Promise<boolean> {
  if (!user) {
    return access(path, constants.R_OK | constants.X_OK).then(
      () => true,
      () => false,
    );
  }
  let part = await realpath(path);
  for (;;) {
    const { mode, uid, gid } = await stat(part);
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
    if (((mode >> shift) & 0o1) === 0) return false;
    const parent = dirname(part);
    if (parent === part) return true;
    part = parent;
  }
}

/** Turns a file system's refusal into a sentence with the path in it; anything else passes unchanged. */
export function explainFileError(error: unknown): unknown {
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    EACCES: 'is not ours to read and write',
    EPERM: 'does not allow what the database needs',
    EROFS: 'is on a read-only disk',
    ENOSPC: 'is on a full disk',
    EDQUOT: 'is over its disk quota',
    ENOTDIR: 'lies below something that is no folder',
    EEXIST: 'is no folder',
    // What Node says of a recursive mkdir on a read-only disk.
    ...(syscall === 'mkdir' && { ENOENT: 'cannot be made' }),
  };
  const reason = code === undefined ? undefined : reasons[code];
  if (reason === undefined || path === undefined) return error;
  return new EmbeddedError(`${path} ${reason} (${code}): choose another data folder, or set DATABASE_URL.`, {
    cause: error,
  });
}

/** Made with every missing parent, each open to walk through whatever the umask: a closed parent locks us out too. */
async function makeFolder(path: string): Promise<string> {
  const first = await mkdir(path, { recursive: true });
  if (first !== undefined) {
    for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
  }
  return realpath(path);
}

/** An existing database keeps its owner, so that one begun as a plain user can be served as root later. */
async function serverUser(data: string): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(data).catch(() => undefined);
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : nobody;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** A new folder that only the server's user can open. */
export async function makePrivateFolder(path: string, user: ServerUser | undefined): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  if (user) await chown(path, user.uid, user.gid);
}
