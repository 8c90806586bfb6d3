import pino from 'pino';
import type { Test } from 'tap';
import { readConfig } from '../../src/config.ts';
import type { Context } from '../../src/context.ts';
import { connect } from '../../src/db/connection.ts';
import { createAccount } from '../../src/features/accounts/create-account.ts';
import { createKeyForAccount } from '../../src/features/accounts/create-api-key.ts';
import { readKey } from '../../src/features/accounts/read-key.ts';
import { createVaults } from '../../src/features/accounts/vaults.ts';
import { authenticateWith } from '../../src/http/authenticate.ts';
import { type App, createServer } from '../../src/http/server.ts';
import { createDataKey, createKeyRing } from '../../src/seal.ts';
import { createDatabase } from './database.ts';

/** The members of a problem that tests ask for; its own ones beside them. */
export interface Refusal extends Record<string, unknown> {
  code: string;
  detail: string;
  retryable: boolean;
  errors: { pointer: string; code: string; detail: string }[];
}

export interface Reply<Body> {
  status: number;
  headers: Record<string, unknown>;
  body: Body;
}

/** One account's client: its key goes with every call. The caller says what body it expects; a problem unless said. */
export interface Client {
  account_id: string;
  get: <Body = Refusal>(url: string) => Promise<Reply<Body>>;
  post: <Body = Refusal>(url: string, body?: unknown) => Promise<Reply<Body>>;
}

/** A real server with the given routes behind real keys, over a fresh database; closed when `t` ends. */
export async function startFeature(t: Test, addRoutes: (app: App, ctx: Context) => void) {
  const database = await createDatabase(t);
  const log = pino({ level: 'silent' });
  const stopping = new AbortController();
  const db = connect(database.settings, { pool_max: 4, application_name: 'conversar test', log });
  const ctx: Context = { db, log, now: () => new Date(), signal: stopping.signal };
  const key_ring = createKeyRing([{ kid: 'test', key: createDataKey() }]);
  const vaults = createVaults(key_ring);
  const app = await createServer(readConfig({}), log);
  app.addHook(
    'onRequest',
    authenticateWith((_, presented) => readKey(ctx, vaults, presented)),
  );
  addRoutes(app, ctx);
  await app.ready();
  t.teardown(async () => {
    stopping.abort();
    await app.close();
    await db.destroy();
  });

  const createClient = async (given: { default_country?: string; scopes?: string[] } = {}): Promise<Client> => {
    const { scopes, ...country } = given;
    const account = await createAccount(ctx, key_ring, { name: 'Loja Exemplo', ...country });
    const { key } = await createKeyForAccount(ctx, account.id, { name: 'test', ...(scopes ? { scopes } : {}) });
    const call = async <Body>(method: 'GET' | 'POST', url: string, payload?: unknown): Promise<Reply<Body>> => {
      const json = payload === undefined ? {} : { 'content-type': 'application/json' };
      const reply = await app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${key}`, ...json },
        ...(payload === undefined ? {} : { payload: JSON.stringify(payload) }),
      });
      return { status: reply.statusCode, headers: reply.headers, body: reply.json<Body>() };
    };
    return {
      account_id: account.id,
      get: (url) => call('GET', url),
      post: (url, payload) => call('POST', url, payload),
    };
  };
  return { app, ctx, createClient };
}
