import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ConnectionSettings } from '../../src/db/connection.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

type Environment = Record<string, string>;

/** A test, or whoever else ends what it began. */
export interface Owner {
  teardown: (end: () => unknown) => void;
}

/** How often a process that boots is asked whether it is ready. */
const look_ms = 10;

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
function launch(t: Owner, args: string[], env: Environment, says: 'pipe' | number = 'pipe'): ChildProcess {
  const { PATH = '', TMPDIR = '/tmp' } = process.env;
  const pairs = Object.entries({ PATH, TMPDIR, HOME: TMPDIR, ...env }).map(([name, value]) => `${name}=${value}`);
  const child = spawn('env', ['-i', ...pairs, process.execPath, ...args], {
    cwd: root,
    stdio: ['ignore', says, says],
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

export interface StartOptions {
  /** Node's arguments for the program; from its sources where it is left out. */
  program?: string[];
  ready_within_ms?: number;
  /** Where its log goes instead of here: reading the log of a service under a flood is work, and slow reading holds it up. */
  log_file?: string;
}

/** Starts `serve` or `worker` and waits until it says that it is ready; throws with what it said when it ends before. */
export async function startProcess(
  t: Owner,
  args: string[],
  env: Environment,
  { program = from_source, ready_within_ms = 180_000, log_file }: StartOptions = {},
): Promise<Running> {
  const file = log_file === undefined ? null : openSync(log_file, 'w');
  const child = launch(t, [...program, ...args], env, file ?? 'pipe');
  if (file !== null) closeSync(file); // the child has its own
  const exited = once(child, 'exit').then(([code, signal]): Ended => ({ code, signal }));
  const log = log_file === undefined ? collect(child) : () => toLines(readFileSync(log_file, 'utf8'));
  const url = await untilReady({ log, exited, ready_within_ms });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  return { child, url, log, exited, end };
}

/** Starts it with an output that is as full as a disk can be; who wants to know when it is ready has to ask it. */
export function startUnheard(t: Owner, args: string[], env: Environment): ChildProcess {
  const full = openSync('/dev/full', 'w');
  const child = launch(t, [...from_source, ...args], env, full);
  closeSync(full);
  return child;
}

type Line = Record<string, unknown>;

const toLine = (text: string): Line => (text.startsWith('{') ? (JSON.parse(text) as Line) : { text });
/** The last one may be half written. */
const toLines = (text: string): Line[] => text.split('\n').slice(0, -1).map(toLine);

function collect({ stdout, stderr }: ChildProcess): () => Line[] {
  const lines: Line[] = [];
  for (const stream of [stdout, stderr]) {
    if (stream) createInterface(stream).on('line', (text) => lines.push(toLine(text)));
  }
  return () => lines;
}

async function untilReady(of: { log: () => Line[]; exited: Promise<Ended>; ready_within_ms: number }): Promise<string> {
  const said = (what: string) => new Error(`${what}: ${JSON.stringify(of.log().slice(-5))}`);
  let ended: Ended | undefined;
  void of.exited.then((one) => {
    ended = one;
  });
  const give_up_at = performance.now() + of.ready_within_ms;
  for (;;) {
    const ready = of.log().find(({ msg }) => msg === 'process.ready');
    if (ready) return String(ready.url ?? '');
    if (ended) throw said(`ended before it was ready (${JSON.stringify(ended)})`);
    if (performance.now() > give_up_at) throw said('not ready in time');
    await delay(look_ms);
  }
}
