import type { Knex } from 'knex';
import pg from 'pg';
import type { Test } from 'tap';
import { v7 as uuid } from 'uuid';
import type { ConnectionSettings } from '../../src/db/connection.ts';
import { testClientConfig } from './database.ts';
import { type Document, resolve } from './document.ts';
import { eventually } from './service.ts';

/** Writes events on a connection of its own, whose transactions may stay open. */
export interface EventWriter {
  client: pg.Client;
  /** In one statement; answers their ids, in order. */
  write: (account_id: string, count?: number, type?: string) => Promise<string[]>;
}

const insert = `insert into events (account_id, id, type, data, created_at)
  select $1, unnest($2::uuid[]), $3, $4, now()`;

/** What an event of this type shows, as the document has it. */
function dataOf(document: Document, type: string): unknown {
  const $ref = document.webhooks?.[type]?.post.requestBody?.content['application/json']?.schema.$ref;
  const { examples } = resolve(document, { $ref: String($ref) } as { $ref?: string; examples?: { data: unknown }[] });
  return examples?.[0]?.data;
}

export async function createEventWriter(
  t: Test,
  settings: ConnectionSettings,
  document: Document,
): Promise<EventWriter> {
  const client = new pg.Client(testClientConfig(settings));
  await client.connect();
  t.teardown(() => client.end());
  const write: EventWriter['write'] = async (account_id, count = 1, type = 'contact.created') => {
    const ids = Array.from({ length: count }, () => uuid());
    await client.query(insert, [account_id, ids, type, JSON.stringify(dataOf(document, type))]);
    return ids;
  };
  return { client, write };
}

/** Other test files have transactions of their own in this PostgreSQL: what is written here is settled when those end. */
export const untilSettled = (db: Knex) =>
  eventually(
    async () => {
      const { rows } = await db.raw<{ rows: unknown[] }>(
        'select 1 from events where txid >= pg_snapshot_xmin(pg_current_snapshot()) limit 1',
      );
      return rows.length;
    },
    (unsettled) => unsettled === 0,
  );
