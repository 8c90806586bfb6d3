import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import pg from 'pg';
import { type Logger, pino } from 'pino';
import { createApp } from '../src/app.ts';
import { readConfig, settings } from '../src/config.ts';
import { type ConnectionSettings, clientConfig, connect, withDatabase } from '../src/db/connection.ts';
import { startEmbedded } from '../src/db/embedded.ts';
import { migrate } from '../src/db/migrate.ts';
import { message_errors } from '../src/features/messages/message-error-kinds.ts';
import { client_problems } from '../src/http/client-error.ts';
import { field_codes } from '../src/http/validation.ts';
import { createKeyRing } from '../src/seal.ts';
import { renderClientTypes } from './client-types.ts';
import { type ErrorsDocument, renderErrors } from './errors-page.ts';
import { renderRows } from './rows.ts';
import { renderConfiguration, renderEnvironmentExample } from './settings-pages.ts';

/**
 * `npm run generate` writes everything that follows from something else in this repository; with `--check` it writes
 * nothing and ends with 1 when a file is stale. The database is a throw-away one: embedded, or in TEST_DATABASE_URL's server.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const document_url = 'http://127.0.0.1:3000';
const client_types = 'examples/typed-client/api.d.ts';
const patience_ms = 120_000;

const log = pino({ level: 'error' }, pino.destination(2));
const files = await onDatabase((connection) => renderAll(connection));
const stale: string[] = [];
for (const [path, content] of Object.entries(files)) {
  const present = await readFile(join(root, path), 'utf8').catch(() => null);
  if (present === content) continue;
  stale.push(path);
  if (!process.argv.includes('--check')) await writeFile(join(root, path), content);
}
const said = process.argv.includes('--check') ? 'stale, run `npm run generate`' : 'written';
process.stdout.write(stale.length === 0 ? 'Generated files are up to date.\n' : `${said}: ${stale.join(', ')}\n`);
if (process.argv.includes('--check') && stale.length > 0) process.exitCode = 1;

async function renderAll(connection: ConnectionSettings): Promise<Record<string, string>> {
  const db = connect(connection, { pool_max: 2, application_name: 'conversar generate', log });
  try {
    const document = await renderDocument(db, connection);
    return {
      'src/db/rows.ts': formatted('src/db/rows.ts', await renderRows(db)),
      'openapi/openapi.json': `${JSON.stringify(document, null, 2)}\n`,
      'docs/errors.md': formatted(
        'docs/errors.md',
        renderErrors(document, message_errors, client_problems, field_codes),
      ),
      [client_types]: formatted(client_types, await renderClientTypes(document)),
      'docs/configuration.md': formatted('docs/configuration.md', renderConfiguration(settings)),
      '.env.example': renderEnvironmentExample(settings),
    };
  } finally {
    await db.destroy();
  }
}

/** The document of the application as it is composed to serve, for the address a first try has. */
async function renderDocument(db: Knex, connection: ConnectionSettings): Promise<ErrorsDocument> {
  const key_ring = createKeyRing([{ kid: 'none', key: Buffer.alloc(32) }]);
  const app = await createApp({
    config: readConfig({}),
    public_url: document_url,
    db,
    settings: connection,
    key_ring,
    log: log as Logger,
  });
  await app.server.ready();
  const document = app.server.swagger();
  await app.close();
  return document as unknown as ErrorsDocument;
}

/** As Biome wants it, so that a check of the whole repository finds nothing to say. */
function formatted(path: string, content: string): string {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const { status, stdout, stderr } = spawnSync(process.execPath, [biome, 'format', `--stdin-file-path=${path}`], {
    cwd: root,
    input: content,
    encoding: 'utf8',
    timeout: patience_ms,
  });
  if (status !== 0) throw new Error(`Biome cannot format ${path}: ${stderr}`);
  return stdout;
}

/** Runs `work` on a migrated database that is gone afterwards. */
async function onDatabase<T>(work: (connection: ConnectionSettings) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(patience_ms);
  const url = process.env.TEST_DATABASE_URL;
  if (url) return onDatabaseOf({ connection_string: url }, signal, work);
  const data_dir = await mkdtemp(join(tmpdir(), 'conversar-generate-'));
  await chmod(data_dir, 0o755); // as root the server runs as another user, who must get in
  try {
    const embedded = await startEmbedded({ data_dir, log, signal, fsync: false });
    try {
      await migrate(embedded.connection, { log, signal });
      return await work(embedded.connection);
    } finally {
      await embedded.stop();
    }
  } finally {
    await rm(data_dir, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function onDatabaseOf<T>(
  server: ConnectionSettings,
  signal: AbortSignal,
  work: (connection: ConnectionSettings) => Promise<T>,
): Promise<T> {
  const name = `conversar_generate_${process.pid}`;
  const admin = new pg.Client(clientConfig(server, 'conversar generate'));
  await admin.connect();
  try {
    await admin.query(`create database ${name}`);
    const connection = withDatabase(server, name);
    await migrate(connection, { log, signal });
    return await work(connection);
  } finally {
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.end();
  }
}
