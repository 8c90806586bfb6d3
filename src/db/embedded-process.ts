import { execFile, spawn } from 'node:child_process';
import { open, readFile, readlink, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Binaries, executable } from './embedded-binaries.ts';
import { EmbeddedError, type ServerUser } from './embedded-folder.ts';

/** Everything that a start of the server needs to know. */
export interface Place {
  binaries: Binaries;
  /** PGDATA. */
  data: string;
  user: ServerUser | undefined;
  /** The unix socket's folder, or 127.0.0.1 on Windows. */
  host: string;
  port: number;
  fsync: boolean;
  max_connections: number;
}

/** What `postmaster.pid` says. */
export interface Postmaster {
  pid: number;
  host: string;
  port: number;
  status: string;
}

/** `ours` also when it cannot be told: only what is surely no server of this folder is called otherwise. */
export type ProcessState = 'ours' | 'gone' | 'zombie' | 'foreign';

const execute = promisify(execFile);
const poll_ms = 10;
const log_bytes_max = 1_048_576;
/** Nothing of ours: PG* variables would steer the server, and secrets are none of its business. */
const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** The server that last claimed this folder; undefined when none did or it left in order. */
export async function readPostmaster(data: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const [pid, , , port, socket_folder, address, , status] = text.split('\n').map((line) => line.trim());
  if (!pid || !Number.isInteger(Number(pid))) return undefined;
  return { pid: Math.abs(Number(pid)), host: socket_folder || address || '', port: Number(port), status: status ?? '' };
}

/** Whether `pid` is a PostgreSQL server of this folder, as far as the system lets us see. */
export async function inspectProcess(pid: number, data: string): Promise<ProcessState> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'gone';
  }
  if (process.platform === 'linux') return inspectLinuxProcess(pid, data);
  if (process.platform === 'win32') return 'ours';
  const { stdout } = await execute('ps', ['-o', 'stat=,comm=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  const line = stdout.trim();
  if (line === '') return 'gone';
  if (line.startsWith('Z')) return 'zombie';
  return line.includes('postgres') ? 'ours' : 'foreign';
}

async function inspectLinuxProcess(pid: number, data: string): Promise<ProcessState> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(line) ?? [];
  if (state === 'Z' || state === 'X') return 'zombie';
  if (name !== undefined && name !== 'postgres') return 'foreign';
  // A postmaster stands in its data folder, so another server that got this number is told apart.
  const stands_in = await readlink(`/proc/${pid}/cwd`).catch(() => data);
  return stands_in === data ? 'ours' : 'foreign';
}

/**
 * Starts the server detached, so that the terminal's Ctrl-C and our own death leave it alone. Answers when it takes
 * connections, or with the last lines of its log when it gave up. `signal` stops the waiting, not the server.
 */
export async function spawnServer(place: Place, signal: AbortSignal): Promise<{ ready: boolean; log: string }> {
  const path = join(dirname(place.data), 'postgres.log');
  const log = await open(path, 'a+', 0o600);
  try {
    if ((await log.stat()).size > log_bytes_max) await log.truncate();
    const log_start = (await log.stat()).size;
    const child = spawn(join(place.binaries.folder, 'bin', executable('postgres')), serverArguments(place), {
      ...place.user,
      cwd: place.data,
      detached: true,
      env: environment,
      stdio: ['ignore', log.fd, log.fd],
      windowsHide: true,
    });
    let ended: string | undefined;
    child.once('error', (error) => {
      ended = error.message;
    });
    child.once('exit', (code, killed_by) => {
      ended = `ended with ${killed_by ?? code}`;
    });
    child.unref();
    while (ended === undefined) {
      const postmaster = await readPostmaster(place.data);
      if (postmaster?.pid === child.pid && postmaster?.status === 'ready') return { ready: true, log: '' };
      await delay(poll_ms, undefined, { signal });
    }
    const text = (await readFile(path, 'utf8')).slice(log_start).trim();
    return { ready: false, log: text || ended };
  } finally {
    await log.close();
  }
}

function serverArguments({ data, host, port, fsync, max_connections }: Place): string[] {
  const tcp = process.platform === 'win32';
  const settings: Record<string, string | number> = {
    listen_addresses: tcp ? host : '',
    // A quoted list of one: a folder may have a comma in its name.
    unix_socket_directories: tcp ? '' : `"${host}"`,
    unix_socket_permissions: '0700',
    port,
    max_connections,
    synchronous_commit: 'on',
    fsync: fsync ? 'on' : 'off',
    full_page_writes: fsync ? 'on' : 'off',
    // Zeroing each new 16 MB of log is most of what a new test database costs (110 ms of 140).
    wal_init_zero: fsync ? 'on' : 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // The server's own messages only: a failed statement would be logged with people's names and numbers in it.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
  };
  return ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** Writes a new, empty database into an existing private folder; 0.5–0.9 s. Throws EmbeddedError with its reason. */
export async function initialiseData(place: Omit<Place, 'host' | 'port'>, folder: string, signal: AbortSignal) {
  const access =
    process.platform === 'win32'
      ? ['--auth=scram-sha-256', `--pwfile=${passwordFile(place.data)}`]
      : ['--auth-local=trust', '--auth-host=reject'];
  // The same on every machine, and `lower()` knows every alphabet; indexes stay in byte order.
  const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
  const options = ['-D', folder, '-U', 'conversar', '-E', 'UTF8', ...locale, ...access];
  if (!place.fsync) options.push('--no-sync');
  try {
    await execute(join(place.binaries.folder, 'bin', executable('initdb')), options, {
      ...place.user,
      cwd: folder,
      env: environment,
      signal,
      timeout: 60_000,
      windowsHide: true,
    });
  } catch (cause) {
    signal.throwIfAborted();
    const { stderr, message } = cause as Error & { stderr?: string };
    const reason = explainInitdb(stderr?.trim() || message);
    throw new EmbeddedError(`The database could not be created in ${dirname(folder)}: ${reason}`, { cause });
  }
}

/** A container with a made-up user id is common; initdb insists on a name for it. */
function explainInitdb(said: string): string {
  const reason = said.split('\n').slice(-4).join(' ');
  if (said.includes('No space left on device')) return 'the disk is full. Free 100 MB there, or set DATABASE_URL.';
  if (!said.includes('could not look up effective user ID')) return reason;
  return `${reason}. Give that user an entry in /etc/passwd, or set DATABASE_URL.`;
}

/** Asks the server to stop now, keeping every commit; `quit` does not even wait for its checkpoint. */
export async function signalServer(place: Place, pid: number, how: 'fast' | 'quit'): Promise<void> {
  if (process.platform === 'win32') {
    const pg_ctl = join(place.binaries.folder, 'bin', executable('pg_ctl'));
    await execute(pg_ctl, ['kill', how === 'fast' ? 'INT' : 'QUIT', String(pid)], { timeout: 10_000 });
  } else {
    process.kill(pid, how === 'fast' ? 'SIGINT' : 'SIGQUIT');
  }
}

/** Where the password stands on the one platform that needs one. */
export function passwordFile(data: string): string {
  return join(dirname(data), 'postgres.password');
}

/** Only for a file whose process is surely no server of this folder. */
export async function removeStaleFile(data: string): Promise<void> {
  await rm(join(data, 'postmaster.pid'), { force: true });
}
