import type { Knex } from 'knex';

/**
 * The TypeScript of `src/db/rows.ts` for a migrated database: one interface per table of ours, columns in their
 * order, `Tables` from table name to row, and `columns` from table name to its columns' names. Types are those that a connection of `src/db/connection.ts` answers.
 */
export async function renderRows(db: Knex): Promise<string> {
  const { rows } = await db.raw<{ rows: Column[] }>(columns_query);
  const tables = new Map<string, Column[]>();
  for (const column of rows) tables.set(column.table_name, [...(tables.get(column.table_name) ?? []), column]);
  const unknown = rows.find((column) => typeOf(column.type_name) === undefined);
  if (unknown) throw new Error(`Which type is ${unknown.table_name}.${unknown.column_name}, a ${unknown.type_name}?`);
  const interfaces = [...tables].map(([name, columns]) => renderTable(name, columns));
  const entries = [...tables.keys()].map((name) => `  ${name}: ${rowName(name)};\n`);
  const names = [...tables].map(
    ([name, columns]) => `  ${name}: [${columns.map(({ column_name }) => `'${column_name}'`).join(', ')}],\n`,
  );
  return `${header}\n${interfaces.join('\n')}\nexport interface Tables {\n${entries.join('')}}\n${names_comment}export const columns: { [Name in keyof Tables]: (keyof Tables[Name])[] } = {\n${names.join('')}};\n`;
}

interface Column {
  table_name: string;
  column_name: string;
  type_name: string;
  not_null: boolean;
}

const header =
  '/** Generated from migrations/ by `npm run generate`: do not edit. What a row of each table looks like. */\n';

const names_comment =
  '\n/** The same by name, for statements that must go on to mean the same when a migration adds a column. */\n';

/** Domains count as what they are made of; partitions as their parent. */
const columns_query = `
  select c.relname as table_name, a.attname as column_name, a.attnotnull or t.typnotnull as not_null,
         format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) as type_name
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
   where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     and c.relname <> 'schema_migrations'
     and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
   order by c.relname, a.attnum`;

const types: Record<string, string> = {
  boolean: 'boolean',
  smallint: 'number',
  integer: 'number',
  bigint: 'number',
  real: 'number',
  'double precision': 'number',
  numeric: 'string',
  text: 'string',
  'character varying': 'string',
  character: 'string',
  citext: 'string',
  uuid: 'string',
  inet: 'string',
  date: 'string',
  xid8: 'string',
  pg_snapshot: 'string',
  tsvector: 'string',
  bytea: 'Buffer',
  'timestamp with time zone': 'Date',
  json: 'unknown',
  jsonb: 'unknown',
};

function typeOf(type_name: string): string | undefined {
  if (!type_name.endsWith('[]')) return types[type_name];
  const item = types[type_name.slice(0, -2)];
  return item && `${item}[]`;
}

function renderTable(name: string, columns: Column[]): string {
  const lines = columns.map(({ column_name, type_name, not_null }) => {
    const type = typeOf(type_name) ?? 'unknown';
    return `  ${column_name}: ${not_null || type === 'unknown' ? type : `${type} | null`};\n`;
  });
  return `export interface ${rowName(name)} {\n${lines.join('')}}\n`;
}

function rowName(table_name: string): string {
  const words = table_name.split('_').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  return `${words.join('')}Row`;
}
