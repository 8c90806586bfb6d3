import type { Knex } from 'knex';

/** Every row of every table of ours as JSON text, by table. Sealed bytes stay sealed. */
export async function dumpDatabase(db: Knex): Promise<Record<string, string[]>> {
  const { rows: tables } = await db.raw<{ rows: { name: string }[] }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  const dumps = tables.map(async ({ name }): Promise<[string, string[]]> => {
    const { rows } = await db.raw<{ rows: { row: string }[] }>(
      `select cast(to_jsonb(t) as text) as row from "${name}" t`,
    );
    return [name, rows.map(({ row }) => row)];
  });
  return Object.fromEntries(await Promise.all(dumps));
}

/** Rows that hold any of these words, whatever their case: `table: row`. */
export async function findTraces(db: Knex, words: string[]): Promise<string[]> {
  const dump = await dumpDatabase(db);
  const wanted = words.map((word) => word.toLowerCase());
  return Object.entries(dump).flatMap(([table, rows]) =>
    rows.filter((row) => holds(row, wanted)).map((row) => `${table}: ${row}`),
  );
}

/** Byte strings as what they are: in hexadecimal any five digits stand somewhere. */
function holds(row: string, wanted: string[]): boolean {
  const text = row.replace(/\\\\x([0-9a-f]{2,})/g, (_, hex: string) => Buffer.from(hex, 'hex').toString('latin1'));
  return wanted.some((word) => text.toLowerCase().includes(word));
}
