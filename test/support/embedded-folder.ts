import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import pino from 'pino';
import type { Test } from 'tap';
import type { ConnectionSettings } from '../../src/db/connection.ts';
import { type Embedded, startEmbedded } from '../../src/db/embedded.ts';
import { testClientConfig } from './database.ts';

const holder_program = fileURLToPath(new URL('embedded-holder.ts', import.meta.url));

/** A folder that the server's user can enter, removed with the server in it when `t` ends. */
export async function createDataFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'conversar-embedded-'));
  await chmod(folder, 0o755);
  t.teardown(async () => {
    await killServer(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return folder;
}

/** A server held by this process; stopping it twice is harmless. */
export async function hold(t: Test, data_dir: string): Promise<Embedded> {
  const log = pino({ level: 'silent' });
  const embedded = await startEmbedded({ data_dir, log, signal: AbortSignal.timeout(180_000), fsync: false });
  t.teardown(embedded.stop);
  return embedded;
}

export interface Holder {
  connection: ConnectionSettings;
  started: boolean;
  child: ChildProcess;
  /** Lets the process stop in order and waits for it. */
  release: () => Promise<void>;
}

/** A server held by another process. */
export async function holdElsewhere(t: Test, data_dir: string, user?: { uid: number; gid: number }): Promise<Holder> {
  // `env -i` drops what tap adds to watch its children: another user may not write there.
  const child = spawn('env', ['-i', process.execPath, '--import', 'tsx', holder_program, data_dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...user,
  });
  t.teardown(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const answer = await Promise.race([once(createInterface(child.stdout), 'line'), exited]);
  const { connection, started } = JSON.parse(String(answer[0])) as Holder;
  const release = async () => {
    child.stdin.end();
    await exited;
  };
  return { connection, started, child, release };
}

/** The number of the server's process; throws when none claims the folder. */
export async function serverPid(data_dir: string): Promise<number> {
  return Number.parseInt(await readFile(join(data_dir, 'postgres', 'postmaster.pid'), 'utf8'), 10);
}

/** As a machine's death does it; nothing happens when no server runs. */
export async function killServer(data_dir: string): Promise<void> {
  const pid = await serverPid(data_dir).catch(() => undefined);
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}

/** One statement on a connection of its own, and its rows. */
export async function ask(connection: ConnectionSettings, sql: string): Promise<unknown[]> {
  const client = new pg.Client(testClientConfig(connection));
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Repeats `ask` until the server answers, for at most a minute. */
export async function askUntilAnswered(connection: ConnectionSettings, sql: string): Promise<unknown[]> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      return await ask(connection, sql);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
