import pg from 'pg';
import type { ConnectionSettings } from '../../src/db/connection.ts';
import { testClientConfig } from './database.ts';

export interface IndexFacts {
  name: string;
  table: string;
  columns: string[];
  is_primary: boolean;
  is_partial: boolean;
}

export interface ForeignKeyFacts {
  name: string;
  table: string;
  columns: string[];
  target: string;
  target_columns: string[];
}

async function ask<Row extends object>(settings: ConnectionSettings, sql: string): Promise<Row[]> {
  const client = new pg.Client(testClientConfig(settings));
  await client.connect();
  const { rows } = await client.query<Row>(sql).finally(() => client.end());
  return rows;
}

/** Every index on a table of ours, with its columns in their order; an expression counts as ''. */
export function listIndexes(settings: ConnectionSettings): Promise<IndexFacts[]> {
  return ask(
    settings,
    `select i.relname as name, c.relname as table, x.indisprimary as is_primary, x.indpred is not null as is_partial,
            (select array_agg(coalesce(a.attname::text, '') order by k.place)
               from unnest(x.indkey) with ordinality k (number, place)
               left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number and k.number > 0) as columns
       from pg_index x
       join pg_class i on i.oid = x.indexrelid
       join pg_class c on c.oid = x.indrelid
      where c.relnamespace = current_schema()::regnamespace
      order by c.relname, i.relname`,
  );
}

/** Every foreign key of a table of ours. */
export function listForeignKeys(settings: ConnectionSettings): Promise<ForeignKeyFacts[]> {
  const columns = (table: string, numbers: string) =>
    `(select array_agg(a.attname::text order by k.place)
        from unnest(${numbers}) with ordinality k (number, place)
        join pg_attribute a on a.attrelid = ${table} and a.attnum = k.number)`;
  return ask(
    settings,
    `select f.conname as name, c.relname as table, t.relname as target,
            ${columns('f.conrelid', 'f.conkey')} as columns, ${columns('f.confrelid', 'f.confkey')} as target_columns
       from pg_constraint f
       join pg_class c on c.oid = f.conrelid
       join pg_class t on t.oid = f.confrelid
      where f.contype = 'f' and c.relnamespace = current_schema()::regnamespace and f.conparentid = 0
      order by c.relname, f.conname`,
  );
}

/** A hash of all rows of each table that belong to one account. */
export async function hashAccount(settings: ConnectionSettings, account_id: string): Promise<Record<string, string>> {
  const tables = await ask<{ name: string; column: string }>(
    settings,
    `select c.relname as name, case when c.relname = 'accounts' then 'id' else 'account_id' end as column
       from pg_class c
      where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and c.relname <> 'schema_migrations'
      order by c.relname`,
  );
  const parts = tables.map(
    ({ name, column }) =>
      `select '${name}' as name, coalesce(md5(string_agg(r::text, E'\\n' order by r::text)), '') as hash
         from ${name} r where r.${column} = '${account_id}'`,
  );
  const rows = await ask<{ name: string; hash: string }>(settings, parts.join('\nunion all\n'));
  return Object.fromEntries(rows.map(({ name, hash }) => [name, hash]));
}
