/** The least that any receiver of webhooks does: the signature over the raw bytes, one insert, 200. Nothing else of what we promise. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import pg from 'pg';
import { type ConnectionSettings, clientConfig } from '../src/db/connection.ts';
import { runProgram } from './child.ts';
import { app_secret } from './inbound-bodies.ts';

/** As many connections as ours. */
const pool_max = 16;
const body_limit_bytes = 3.5 * 1024 * 1024;

const table = `create table bodies (
  id          bigint generated always as identity primary key,
  channel_id  uuid not null,
  body        bytea not null,
  received_at timestamptz not null default now()
)`;

const insert = { name: 'insert_body', text: 'insert into bodies (channel_id, body) values ($1, $2)' };

function isSigned(raw: Buffer, header: string | undefined): boolean {
  const given = Buffer.from(header?.slice('sha256='.length) ?? '', 'hex');
  const right = createHmac('sha256', app_secret).update(raw).digest();
  return given.length === right.length && timingSafeEqual(given, right);
}

runProgram(async ({ settings }: { settings: ConnectionSettings }) => {
  const pool = new pg.Pool({ ...clientConfig(settings, 'conversar bench floor'), max: pool_max });
  pool.on('error', () => undefined); // of an idle connection: the next query takes another one
  await pool.query(table);
  const server = fastify({ bodyLimit: body_limit_bytes });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body: Buffer, done) => done(null, body));
  server.post<{ Params: { channel_id: string }; Body: Buffer }>('/v1/inbound/:channel_id', async (request, reply) => {
    const header = request.headers['x-hub-signature-256'];
    if (typeof header !== 'string' || !isSigned(request.body, header)) return reply.code(401).send('no');
    await pool.query({ ...insert, values: [request.params.channel_id, request.body] });
    return reply.type('text/plain').send('ok');
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const close = async () => {
    await server.close();
    await pool.end();
  };
  return { url: `http://127.0.0.1:${port}`, close };
});
