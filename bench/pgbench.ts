import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { type ConnectionSettings, clientConfig } from '../src/db/connection.ts';
import type { BenchContext } from './bench.ts';
import { bare_insert, bare_tables, bare_update } from './start-sql.ts';

const run = promisify(execFile);

/** The same statements without any program of ours around them. */
export interface Pgbench {
  per_second: number;
  clients: number;
}

export const hasPgbench = (): Promise<boolean> =>
  run('pgbench', ['--version']).then(
    () => true,
    () => false,
  );

/** As many connections as the programs have. */
const most_clients = 16;

/** A number of its own for each client and transaction, in the forms that the statements take. */
const id = `cast(lpad(to_hex(cast(:place as bigint)), 32, '0') as uuid)`;
const payload =
  '{"type": "template", "name": "retomar_atendimento", "language": "pt_BR", "parameters": {"body.1": "Ana", "body.2": "a troca"}}';
const insert_values = [
  id,
  `'+' || cast(:place as bigint)`,
  `'Ana Exemplo'`,
  id,
  id,
  id,
  id,
  `cast('${payload}' as jsonb)`,
];
const update_values = [id, `'wamid.HBgNQkVOQ0hNQVJLDDDD' || cast(:place as bigint)`];

/** One line, as pgbench wants a statement, with expressions for its placeholders. */
const fill = (sql: string, values: string[]) =>
  `${sql
    .replace(/\$(\d+)/g, (_, place: string) => values[Number(place) - 1] ?? 'null')
    .replace(/\s+/g, ' ')
    .trim()};\n`;

export async function preparePgbench(
  { signal }: BenchContext,
  settings: ConnectionSettings,
): Promise<(at_once: number, for_ms: number) => Promise<Pgbench>> {
  const client = new pg.Client(clientConfig(settings, 'conversar bench'));
  await client.connect();
  await client.query(bare_tables).finally(() => client.end());
  const script = [
    '\\set n :n + 1\n\\set place (:turn * 100 + :client_id) * 1000000 + :n\n',
    fill(bare_insert, insert_values),
    fill(bare_update, update_values),
  ].join('');
  let turn = 0;
  return async (at_once, for_ms) => {
    turn += 1;
    const clients = Math.min(at_once, most_clients);
    const seconds = String(Math.max(1, Math.round(for_ms / 1_000)));
    const folder = await mkdtemp(join(tmpdir(), 'conversar-pgbench-'));
    try {
      const file = join(folder, 'start.sql');
      await writeFile(file, script);
      const counts = ['-c', String(clients), '-j', '1', '-T', seconds, '-D', `turn=${turn}`, '-D', 'n=0'];
      const args = ['-n', '-M', 'prepared', ...counts, '-f', file, conninfo(settings)];
      const { stdout } = await run('pgbench', args, { signal });
      const [, tps] = /^tps = ([\d.]+)/m.exec(stdout) ?? [];
      if (tps === undefined) throw new Error(`pgbench does not tell its rate: ${stdout}`);
      return { per_second: Number(tps), clients };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

function conninfo(settings: ConnectionSettings): string {
  if ('connection_string' in settings) return settings.connection_string;
  const { host, port, user, database, password } = settings;
  const quoted = (value: string | number) => `'${String(value).replace(/[\\']/g, '\\$&')}'`;
  const parts = { host, port, user, dbname: database, ...(password === undefined ? {} : { password }) };
  return Object.entries(parts)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join(' ');
}
