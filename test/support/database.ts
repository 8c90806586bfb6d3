import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Test } from 'tap';
import { type ConnectionSettings, clientConfig, withDatabase } from '../../src/db/connection.ts';

/** How long a test waits for what must come: a machine that is short of time fails nothing. */
export const patience_ms = 60_000;

/** `clientConfig` for tests, which are in no hurry. */
export const testClientConfig = (settings: ConnectionSettings) => ({
  ...clientConfig(settings, 'conversar test'),
  connectionTimeoutMillis: patience_ms,
});

interface TestServer {
  settings: ConnectionSettings;
  template: string;
}

/** One fresh, migrated database (about 30 ms), dropped when `t` ends. */
export async function createDatabase(t: Test): Promise<{ settings: ConnectionSettings; name: string }> {
  const { settings, template } = testServer();
  return copyDatabase(t, settings, template);
}

/** One fresh database without any of our tables: for tests of migrations. */
export async function createEmptyDatabase(t: Test): Promise<{ settings: ConnectionSettings; name: string }> {
  return copyDatabase(t, testServer().settings, 'template1');
}

/** Runs one statement on a connection of its own. */
export async function runStatement(settings: ConnectionSettings, sql: string): Promise<void> {
  const client = new pg.Client(testClientConfig(settings));
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

async function copyDatabase(t: Test, settings: ConnectionSettings, template: string) {
  const name = `conversar_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  await runStatement(settings, `create database ${name} template ${template}`);
  t.teardown(() => runStatement(settings, `drop database if exists ${name} with (force)`));
  return { settings: withDatabase(settings, name), name };
}

function testServer(): TestServer {
  const facts = process.env.CONVERSAR_TEST_DATABASE;
  if (!facts) throw new Error('This test needs a database: run it with `npm test -- <file>`.');
  return JSON.parse(facts) as TestServer;
}
