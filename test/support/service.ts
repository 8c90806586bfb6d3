import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import type { Test } from 'tap';
import { Pool } from 'undici';
import { createApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { connect } from '../../src/db/connection.ts';
import { createAccount } from '../../src/features/accounts/create-account.ts';
import { createKeyForAccount } from '../../src/features/accounts/create-api-key.ts';
import { createKeyRing } from '../../src/seal.ts';
import { demo_values } from '../../src/simulator/demo-values.ts';
import type { ReceivedEntry } from '../../src/simulator/received.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { createDatabase, patience_ms } from './database.ts';
import { createJudge, type Document } from './document.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of any shape
export type Body = any;

export interface Reply {
  status: number;
  headers: Record<string, string | number | string[] | undefined>;
  body: Body;
  text: string;
}

type Headers = Record<string, string>;

/** On a slow machine some wait too long for a lock or a connection: 503, nothing done, and they ask again as they are told to. */
export async function untilServed(ask: () => Promise<Reply>, tries = 20): Promise<Reply> {
  const reply = await ask();
  return reply.status === 503 && reply.body.retryable && tries > 1 ? untilServed(ask, tries - 1) : reply;
}

/** One account's client: its key goes with every call, every answer is judged by the API document. */
export interface Client {
  account_id: string;
  key: string;
  get: (url: string, headers?: Headers) => Promise<Reply>;
  post: (url: string, body?: unknown, headers?: Headers) => Promise<Reply>;
  call: (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown, headers?: Headers) => Promise<Reply>;
}

/** Two teams and a channel of each type on the simulator, templates synced. */
export interface Company extends Client {
  team_id: string;
  other_team_id: string;
  official_id: string;
  unofficial_id: string;
  /** `POST /v1/attendances` on the official channel with the template without parameters, unless said otherwise. */
  start: (body: Record<string, unknown>, headers?: Headers) => Promise<Reply>;
}

export interface ServiceOptions {
  /** Settings over those of the tests. */
  env?: Record<string, string>;
  /** False: nothing is dispatched. Default true. */
  with_lanes?: boolean;
  /** For tests of what is logged. Default: none below LOG_LEVEL. */
  log?: Logger;
  /** For tests of a database that is not to be had. */
  acquire_timeout_ms?: number;
  /** Calls go over a port, for what happens before Fastify has a request. Default: in memory. */
  over_http?: boolean;
}

const test_settings = {
  CONVERSAR_SWEEP_MS: '100',
  // So long that a slow machine makes no doubts; what is never answered at all is tested with less.
  CONVERSAR_SEND_TIMEOUT_MS: '10000',
  CONVERSAR_LEASE_MS: '30000',
  CONVERSAR_ADMIN_TOKEN: 'operator-token-of-the-tests',
  // A machine that is short of time is no overload.
  CONVERSAR_MAX_EVENT_LOOP_DELAY_MS: '0',
};

/** The whole application over a fresh database, beside a simulator; closed when `t` ends. */
export async function startService(t: Test, { env = {}, with_lanes = true, ...given }: ServiceOptions = {}) {
  const { settings } = await createDatabase(t);
  const log = given.log ?? pino({ level: process.env.LOG_LEVEL ?? 'silent' });
  const config = readConfig({ ...test_settings, ...env });
  const acquire_timeout_ms = given.acquire_timeout_ms ?? patience_ms;
  const db = connect(settings, {
    pool_max: config.pool_max,
    application_name: 'conversar test',
    log,
    acquire_timeout_ms,
  });
  const key_ring = createKeyRing([{ kid: 'test', key: randomBytes(32) }]);
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0, log });
  const ground = { config, public_url: 'http://conversar.test', db, settings, key_ring, log };
  const app = await createApp(ground);
  await app.server.ready();
  const port = given.over_http ? new Pool(await app.server.listen({ host: '127.0.0.1', port: 0 })) : null;
  const judge = createJudge(app.server.swagger() as unknown as Document);
  if (with_lanes) app.startLanes();
  t.teardown(async () => {
    await port?.destroy();
    await app.close();
    await db.destroy();
    await simulator.close();
  });

  const send = async (
    key: string | null,
    method: string,
    url: string,
    body?: unknown,
    headers: Headers = {},
  ): Promise<Reply> => {
    const call: Call = {
      method: method as 'GET',
      url,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    };
    const reply = port === null ? await app.server.inject(call) : await callOverHttp(port, call);
    judge({
      method,
      url,
      status: reply.statusCode,
      headers: reply.headers,
      body: reply.body,
    });
    const is_json = String(reply.headers['content-type']).includes('json');
    return {
      status: reply.statusCode,
      headers: reply.headers,
      body: is_json ? JSON.parse(reply.body) : reply.body,
      text: reply.body,
    };
  };
  const clientOf = (account_id: string, key: string): Client => ({
    account_id,
    key,
    get: (url, headers) => send(key, 'GET', url, undefined, headers),
    post: (url, body, headers) => send(key, 'POST', url, body, headers),
    call: (method, url, body, headers) => send(key, method, url, body, headers),
  });
  const createClient = async (given: { default_country?: string; scopes?: string[] } = {}): Promise<Client> => {
    const { scopes, ...country } = given;
    const account = await createAccount(app.ctx, key_ring, { name: 'Loja Exemplo', ...country });
    const { key } = await createKeyForAccount(app.ctx, account.id, { name: 'test', ...(scopes ? { scopes } : {}) });
    return clientOf(account.id, key);
  };

  return {
    ...app,
    ground,
    config,
    db,
    settings,
    simulator,
    send,
    createClient,
    createCompany: async () => createCompany(await createClient(), simulator.url),
    received: async (query = ''): Promise<ReceivedEntry[]> => {
      const answer = await fetch(`${simulator.url}/_received${query}`);
      return ((await answer.json()) as { data: ReceivedEntry[] }).data;
    },
  };
}

interface Call {
  method: 'GET';
  url: string;
  headers: Headers;
  payload?: string;
}

/** The path goes out as it is, dots and all. */
async function callOverHttp(port: Pool, { method, url, headers, payload }: Call) {
  const answer = await port.request({ method, path: url, headers, body: payload ?? null });
  return { statusCode: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
}

export type Service = Awaited<ReturnType<typeof startService>>;

async function createCompany(client: Client, simulator_url: string): Promise<Company> {
  const made = async (url: string, body: unknown): Promise<string> => {
    const { status, body: answer, text } = await client.post(url, body);
    if (status !== 201) throw new Error(`POST ${url}: ${text}`);
    return answer.id;
  };
  const team_id = await made('/v1/teams', { name: 'Comercial' });
  const other_team_id = await made('/v1/teams', { name: 'Suporte' });
  const official_id = await made('/v1/channels', {
    name: 'Oficial',
    provider: 'whatsapp_cloud',
    base_url: `${simulator_url}/graph`,
    credentials: demo_values.graph,
  });
  const unofficial_id = await made('/v1/channels', {
    name: 'Gateway',
    provider: 'evolution',
    base_url: `${simulator_url}/evolution`,
    max_per_second: 100,
    credentials: demo_values.evolution,
  });
  const synced = await client.post(`/v1/channels/${official_id}/templates/sync`);
  if (synced.status !== 200) throw new Error(`sync: ${synced.text}`);
  const start: Company['start'] = (body, headers) =>
    client.post(
      '/v1/attendances',
      {
        contact: { phone: '(31) 98888-0001', name: 'Ana' },
        channel_id: official_id,
        team_id,
        ...('channel_id' in body ? {} : { template: { name: 'boas_vindas', language: 'pt_BR' } }),
        ...body,
      },
      headers,
    );
  return { ...client, team_id, other_team_id, official_id, unofficial_id, start };
}

/** Asks until the answer satisfies; fails after a minute with the last one: how soon it comes is no part of any test. */
export async function eventually<T>(ask: () => Promise<T>, isGood: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + patience_ms;
  for (;;) {
    const answer = await ask();
    if (isGood(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${patience_ms} ms; last: ${JSON.stringify(answer)}`);
    await delay(25);
  }
}
