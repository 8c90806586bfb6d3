import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ConnectionSettings } from '../../src/db/connection.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

type Environment = Record<string, string>;

/** A test, or whoever else ends what it began. */
export interface Owner {
  teardown: (end: () => unknown) => void;
}

/** Node's arguments for our own program, from its sources. */
const from_source = ['--import', 'tsx', 'src/main.ts'];

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process of ours that said that it is ready. */
export interface Running {
  child: ChildProcess;
  /** Where it listens; empty for a worker. */
  url: string;
  /** Its log so far, parsed; other lines as `text`. */
  log: () => Record<string, unknown>[];
  exited: Promise<Ended>;
  /** Signals it and waits for its end. */
  end: (signal: NodeJS.Signals) => Promise<Ended>;
}

/** The database of these settings as DATABASE_URL takes it; a socket's folder goes as `?host=`. */
export function databaseUrl(settings: ConnectionSettings): string {
  if ('connection_string' in settings) return settings.connection_string;
  const { host, port, user, database, password } = settings;
  const login = password === undefined ? user : `${user}:${encodeURIComponent(password)}`;
  return `postgres://${login}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;
}

/** Settings of a service over a database of its own choice: quick to look, and patient with a slow machine. */
export function processSettings(database_url: string) {
  return {
    DATABASE_URL: database_url,
    PORT: '0',
    CONVERSAR_MASTER_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    CONVERSAR_ALLOWED_PRIVATE_RANGES: '127.0.0.0/8',
    CONVERSAR_ADMIN_TOKEN: 'operator-token-of-the-tests',
    CONVERSAR_SEND_TIMEOUT_MS: '10000',
    CONVERSAR_LEASE_MS: '30000',
    CONVERSAR_SWEEP_MS: '100',
    // A machine that is short of time is no overload.
    CONVERSAR_MAX_EVENT_LOOP_DELAY_MS: '0',
  };
}

/** `env -i` drops our own settings and what tap adds to watch its children; killed when `t` ends, frozen or not. */
function launch(t: Owner, args: string[], env: Environment): ChildProcess {
  const { PATH = '', TMPDIR = '/tmp' } = process.env;
  const pairs = Object.entries({ PATH, TMPDIR, HOME: TMPDIR, ...env }).map(([name, value]) => `${name}=${value}`);
  const child = spawn('env', ['-i', ...pairs, process.execPath, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A test file that crashes or is timed out runs no teardown.
  const kill = () => void child.kill('SIGKILL');
  for (const event of ['exit', 'SIGALRM'] as const) process.once(event, kill);
  child.once('exit', () => {
    for (const event of ['exit', 'SIGALRM'] as const) process.off(event, kill);
  });
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    kill();
    await once(child, 'exit');
  });
  return child;
}

/** Runs a command to its end. */
export async function runCommand(
  t: Owner,
  args: string[],
  env: Environment,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = launch(t, [...from_source, ...args], env);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** Starts `serve` or `worker` and waits until it says that it is ready; throws with what it said when it ends before. */
export async function startProcess(
  t: Owner,
  args: string[],
  env: Environment,
  { program = from_source, ready_within_ms = 180_000 }: { program?: string[]; ready_within_ms?: number } = {},
): Promise<Running> {
  const child = launch(t, [...program, ...args], env);
  const lines: Record<string, unknown>[] = [];
  const exited = once(child, 'exit').then(([code, signal]): Ended => ({ code, signal }));
  const ready = new Promise<string>((resolve, reject) => {
    const read = (line: string) => {
      const entry = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : { text: line };
      lines.push(entry);
      if (entry.msg === 'process.ready') resolve(String(entry.url ?? ''));
    };
    if (child.stdout) createInterface(child.stdout).on('line', read);
    if (child.stderr) createInterface(child.stderr).on('line', read);
    const said = (what: string) => new Error(`${what}: ${JSON.stringify(lines.slice(-5))}`);
    void exited.then((ended) => reject(said(`ended before it was ready (${JSON.stringify(ended)})`)));
    setTimeout(() => reject(said('not ready in time')), ready_within_ms).unref();
  });
  const url = await ready;
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  return { child, url, log: () => lines, exited, end };
}
