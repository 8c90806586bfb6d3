/**
 * Runs the tests: `node test/run.mjs [tap arguments] [files]`. One PostgreSQL for the whole run (the embedded one
 * without fsync, or the server of TEST_DATABASE_URL), one migrated template in it, one copy per test file.
 */
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register();
const { default: pg } = await import('pg');
const { default: pino } = await import('pino');
const { clientConfig, withDatabase } = await import('../src/db/connection.ts');
const { startEmbedded } = await import('../src/db/embedded.ts');
const { inspectProcess, readPostmaster } = await import('../src/db/embedded-process.ts');
const { migrate } = await import('../src/db/migrate.ts');

const root = fileURLToPath(new URL('..', import.meta.url));
const log = pino({ level: process.env.LOG_LEVEL ?? 'error' });
const interrupted = new AbortController();
/** Newest first; each is run whatever happens to the others. */
const cleanups = [];
let exit_code = 1;
let interrupted_by;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted_by ??= signal;
    interrupted.abort(new Error(`Interrupted by ${signal}`));
  });
}

try {
  await sweepKilledRuns();
  const folder = await createFolder();
  const admin = await provideServer(folder);
  const template = await createTemplate(admin);
  exit_code = await runTap(folder, { settings: admin, template });
} catch (error) {
  process.stderr.write(`${interrupted.signal.aborted ? interrupted.signal.reason.message : error.stack}\n`);
  if (!interrupted.signal.aborted) process.stdout.write('0 passed, 1 failed\n');
} finally {
  for (const cleanup of cleanups.reverse()) {
    await cleanup().catch((error) => process.stderr.write(`While cleaning up: ${error.message}\n`));
  }
}
process.exit(interrupted_by ? 128 + constants.signals[interrupted_by] : exit_code);

/** Everything temporary of this run, that of its tests too, lies below; it goes with the servers still in it. */
async function createFolder() {
  const folder = await mkdtemp(join(tmpdir(), `conversar-test-${process.pid}-`));
  cleanups.push(() => removeFolder(folder));
  await chmod(folder, 0o755); // as root the server runs as another user, who must get in
  return folder;
}

/** What runs left behind that were killed before they could clean up. */
async function sweepKilledRuns() {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = /^conversar-test-(\d+)-/.exec(name) ?? [];
    if (pid && (await inspectProcess(Number(pid), '')) === 'gone') {
      await removeFolder(join(tmpdir(), name)).catch(() => undefined); // another user's
    }
  }
}

async function removeFolder(folder) {
  for (const name of ['.', ...(await readdir(folder))]) {
    const data = join(folder, name, 'postgres');
    const postmaster = await readPostmaster(data).catch(() => undefined);
    if (postmaster && (await inspectProcess(postmaster.pid, data)) === 'ours') process.kill(postmaster.pid, 'SIGKILL');
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}

/** Where databases can be created: settings of a server, through its `postgres` database. */
async function provideServer(data_dir) {
  const url = process.env.TEST_DATABASE_URL;
  if (url) return { connection_string: url };
  // Benchmarks and fleets of processes hold some 80 each, and two files run at once.
  const options = { fsync: false, max_connections: 300 };
  const embedded = await startEmbedded({ data_dir, log, signal: interrupted.signal, ...options });
  cleanups.push(embedded.stop);
  return withDatabase(embedded.connection, 'postgres');
}

async function createTemplate(admin) {
  const template = `conversar_template_${process.pid}`;
  await query(admin, `drop database if exists ${template} with (force)`);
  await query(admin, `create database ${template}`);
  cleanups.push(() => query(admin, `drop database if exists ${template} with (force)`));
  await migrate(withDatabase(admin, template), { log, signal: interrupted.signal });
  return template;
}

async function query(settings, sql) {
  const client = new pg.Client({ ...clientConfig(settings, 'conversar test run'), connectionTimeoutMillis: 60_000 });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

/** Answers tap's exit code. On a signal tap and its children get one too, and 5 s to end. */
function runTap(folder, database) {
  const tap = fileURLToPath(new URL('run.mjs', import.meta.resolve('tap')));
  const reporter = `--reporter=${fileURLToPath(new URL('reporter.mjs', import.meta.url))}`;
  const { TAP: _, ...environment } = process.env; // would ask for raw TAP
  const child = spawn(process.execPath, [tap, 'run', reporter, ...process.argv.slice(2)], {
    cwd: root,
    env: { ...environment, TMPDIR: folder, CONVERSAR_TEST_DATABASE: JSON.stringify(database) },
    stdio: ['inherit', 'pipe', 'inherit'],
    detached: true, // a group of its own, so that a signal reaches the test files too
  });
  let tail = '';
  child.stdout.on('data', (chunk) => {
    process.stdout.write(chunk);
    tail = (tail + chunk).slice(-200);
  });
  const end = (signal) => {
    try {
      process.platform === 'win32' ? child.kill(signal) : process.kill(-child.pid, signal);
    } catch {
      // gone already
    }
  };
  const stop = () => {
    end('SIGTERM');
    setTimeout(end, 5_000, 'SIGKILL').unref();
  };
  interrupted.signal.addEventListener('abort', stop, { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      // tap found no file, or died with its reporter: the last line is promised all the same.
      if (!/\d+ passed, \d+ failed.*\n$/.test(tail)) process.stdout.write('0 passed, 1 failed\n');
      resolve(code ?? 1);
    });
  });
}
