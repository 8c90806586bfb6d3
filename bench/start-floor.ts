/**
 * The least that any program has to do for a start: insert, answer 201, post to the provider, update. Nothing else of what we
 * promise: no key is checked, nothing validated, and what is in the air when it ends is lost.
 */
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import pg from 'pg';
import { Pool } from 'undici';
import { v7 as uuid } from 'uuid';
import { type ConnectionSettings, clientConfig } from '../src/db/connection.ts';
import { runProgram } from './child.ts';
import { type Started, toInsert, toUpdate } from './start-floor-rows.ts';
import { bare_tables, type FloorRows, plain_tables } from './start-sql.ts';

export interface FloorSettings {
  settings: ConnectionSettings;
  rows: FloorRows;
  account_id: string;
  provider_url: string;
}

/** As many connections as ours has, to the database and to the provider. */
const pool_max = 16;
const provider_connections = 128;

interface Body {
  contact: { phone: string; name: string };
  channel_id: string;
  team_id: string;
  template: { name: string; language: string; parameters: Record<string, string> };
}

runProgram(async ({ settings, rows, account_id, provider_url }: FloorSettings) => {
  const options = rows === 'rows' ? '-c search_path=plain,public' : '';
  const pool = new pg.Pool({ ...clientConfig(settings, 'conversar bench floor'), max: pool_max, options });
  pool.on('error', () => undefined); // of an idle connection: the next query takes another one
  if (rows === 'bare') await pool.query(bare_tables);
  if (rows === 'rows') await pool.query(plain_tables);
  const provider = new Pool(provider_url, { connections: provider_connections });
  let in_air = 0;

  async function send(started: Started): Promise<void> {
    const { name, language, parameters } = started.template;
    const components = [
      { type: 'body', parameters: Object.values(parameters).map((text) => ({ type: 'text', text })) },
    ];
    const template = { name, language: { code: language }, components };
    const answer = await provider.request({
      method: 'POST',
      path: '/v25.0/100000000000100/messages',
      headers: { 'content-type': 'application/json', authorization: 'Bearer benchmark-token' },
      body: JSON.stringify({ messaging_product: 'whatsapp', to: started.phone, type: 'template', template }),
    });
    const { messages } = (await answer.body.json()) as { messages: [{ id: string }] };
    await pool.query(toUpdate(rows, started, messages[0].id));
  }

  const server = fastify();
  server.get('/in-the-air', async () => ({ in_air }));
  server.post<{ Body: Body }>('/v1/attendances', async (request, reply) => {
    const { contact, channel_id, team_id, template } = request.body;
    const ids = { contact_id: uuid(), attendance_id: uuid(), message_id: uuid() };
    const key = String(request.headers['idempotency-key']);
    const fingerprint = createHash('sha256').update(JSON.stringify(request.body)).digest();
    const started = { account_id, ...ids, ...contact, channel_id, team_id, template, key, fingerprint };
    await pool.query(toInsert(rows, started));
    in_air += 1;
    // Behind the answer, as ours; a failure is seen in the database, where it stays without a name of the provider's.
    void send(started)
      .catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
      .finally(() => {
        in_air -= 1;
      });
    return reply.code(201).send({ id: ids.attendance_id, status: 'starting', message_id: ids.message_id });
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const close = async () => {
    await server.close();
    await provider.close();
    await pool.end();
  };
  return { url: `http://127.0.0.1:${port}`, close };
});
