import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { listForeignKeys, listIndexes } from './support/catalog.ts';
import { createDatabase } from './support/database.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { forbidden } = createRequire(import.meta.url)('../.dependency-cruiser.cjs') as { forbidden: { name: string }[] };

/** Of each rule one violation: the file it is planted in, what that file imports, and where it is told of if not there. */
const plants: Record<string, [file: string, imported: string, caught_in?: string]> = {
  'leaves-import-nothing': ['src/problem.ts', './db/rows.ts'],
  'seal-knows-contexts-only': ['src/seal.ts', './problem.ts'],
  'config-knows-seals-only': ['src/config.ts', './problem.ts'],
  'db-is-below-features': ['src/db/planted.ts', '../problem.ts'],
  'lanes-are-below-features': ['src/lanes/planted.ts', '../features/events/events.schema.ts'],
  'http-is-below-features': ['src/http/planted.ts', '../features/references.ts'],
  'outbound-stands-alone': ['src/outbound/planted.ts', '../problem.ts'],
  'providers-are-below-features': ['src/providers/planted.ts', '../schema.ts'],
  'a-provider-knows-its-contract-only': ['src/providers/evolution/planted.ts', '../registry.ts'],
  'providers-through-the-registry': ['src/features/planted-provider.ts', '../providers/evolution/evolution.ts'],
  'the-simulator-stands-alone': ['src/simulator/planted.ts', '../problem.ts'],
  'the-simulator-is-for-composition': ['src/features/planted-simulator.ts', '../simulator/script.ts'],
  'verbs-know-no-http': ['src/features/planted-http.ts', '../http/pagination.ts'],
  'routes-are-for-app': ['src/features/teams/planted.ts', './teams.routes.ts'],
  'composition-is-on-top': ['src/features/planted-composition.ts', '../app.ts'],
  'no-cycles-between-features': [
    'src/features/events/planted.ts',
    '../attendances/check-start.ts',
    'src/features/events',
  ],
  'no-cycles': [
    'src/features/contacts/phone-number.ts',
    './contacts.repository.ts',
    'src/features/contacts/contacts.repository.ts',
  ],
  'fastify-stays-at-the-edge': ['src/features/planted-fastify.ts', 'fastify'],
  'the-database-has-its-doors': ['src/features/planted-sql.ts', 'pg'],
  'contexts-name-types-only': ['src/context.ts', 'knex'],
  'outbound-dials': ['src/features/planted-dial.ts', 'undici'],
  'src-knows-no-tests': ['src/features/planted-test.ts', '../../test/planted.ts'],
  'an-example-stands-alone': ['examples/planted.ts', '../src/problem.ts'],
  'nothing-unresolved': ['src/features/planted-lost.ts', './nowhere.ts'],
};

interface Violation {
  rule: { name: string };
  from: string;
  to: string;
}

/** dependency-cruiser's findings in a copy of the sources with all plants in it. */
async function cruisePlanted(t: Test): Promise<Violation[]> {
  const folder = await mkdtemp(join(tmpdir(), 'conversar-planted-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await cp(join(root, 'src'), join(folder, 'src'), { recursive: true });
  for (const name of ['package.json', 'tsconfig.json', '.dependency-cruiser.cjs'])
    await cp(join(root, name), join(folder, name));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const name of ['test', 'examples']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'test/planted.ts'), 'export {};\n');
  for (const [file, imported] of Object.values(plants)) {
    const present = await readFile(join(folder, file), 'utf8').catch(() => '');
    await writeFile(join(folder, file), `${present}\nimport * as planted from '${imported}';\nexport { planted };\n`);
  }
  const output = await run(folder, ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src', 'examples']);
  return (JSON.parse(output) as { summary: { violations: Violation[] } }).summary.violations;
}

async function run(cwd: string, args: string[]): Promise<string> {
  const binary = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const child = spawn(process.execPath, [binary, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 200_000,
  });
  const read = async (stream: NodeJS.ReadableStream) => {
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return text;
  };
  const [output, said] = await Promise.all([read(child.stdout), read(child.stderr)]);
  if (output === '') throw new Error(`dependency-cruiser said: ${said}`);
  return output;
}

t.test('borders', async (t) => {
  const violations = await cruisePlanted(t);
  t.same(forbidden.map(({ name }) => name).sort(), Object.keys(plants).sort(), 'every rule has its plant');
  for (const [rule, [file, , caught_in = file]] of Object.entries(plants)) {
    const places = violations.filter((violation) => violation.rule.name === rule).map(({ from }) => from);
    t.ok(places.includes(caught_in), `${rule}: caught in ${caught_in}`);
  }
});

/** Where each table may be named; a start is read and written in one statement each, and an account goes with all it has. */
const homes: Record<string, string> = {
  accounts: 'features/accounts',
  api_keys: 'features/accounts',
  contacts: 'features/contacts',
  contact_identities: 'features/contacts',
  teams: 'features/teams',
  team_channels: 'features/teams',
  channels: 'features/channels',
  senders: 'lanes/pace.ts',
  templates: 'features/templates',
  attendances: 'features/attendances',
  messages: 'features/messages',
  attempts: 'features/messages',
  events: 'features/events',
  idempotency_keys: 'http/idempotency.repository.ts',
  inbound_bodies: 'features/inbound',
  inbound_items: 'features/inbound',
  rate_buckets: 'http/rate-limit.repository.ts',
  webhook_endpoints: 'features/webhooks',
  webhook_deliveries: 'features/webhooks',
  webhook_attempts: 'features/webhooks',
};
/** What webhooks are to tell is read where it becomes a delivery. */
const also_named_in: Record<string, string[]> = {
  events: ['features/webhooks/calls.repository.ts', 'features/webhooks/endpoints.repository.ts'],
};
const may_name_any = [
  'features/attendances/start.repository.ts',
  'features/attendances/start-facts.repository.ts',
  'features/accounts/delete.repository.ts',
];

/** Sources by path below src/; the simulator has no database. */
async function readSources(): Promise<Map<string, string>> {
  const names = await readdir(join(root, 'src'), { recursive: true });
  const paths = names.filter((name) => name.endsWith('.ts'));
  const texts = await Promise.all(paths.map((path) => readFile(join(root, 'src', path), 'utf8')));
  return new Map(paths.map((path, place) => [path, texts[place] ?? '']));
}

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');

/** Whether a text has the table in SQL, or as the first or second argument of a call: `table(ctx, 'contacts')`. */
function namesTable(text: string, table: string): boolean {
  const in_sql = new RegExp(`\\b(?:from|join|into|update|truncate|table)\\s+(?:only\\s+)?${table}\\b(?!['":.])`);
  const in_call = new RegExp(`[(,]\\s*['"]${table}(?: as \\w+)?['"]\\s*[,)]`);
  return in_sql.test(text) || in_call.test(text);
}

function mayName(path: string, table: string): boolean {
  const home = homes[table];
  if (path === home || also_named_in[table]?.includes(path)) return true;
  return path.startsWith(`${home}/`) && path.endsWith('.repository.ts');
}

t.test('sources', async (t) => {
  const sources = await readSources();

  t.test("a table is named in its own feature's repositories and nowhere else", async (t) => {
    for (const [path, text] of sources) {
      // Neither reaches a database; both speak of `contacts` and `messages` on the wire.
      if (/^(simulator|providers)\//.test(path) || may_name_any.includes(path)) continue;
      const named = Object.keys(homes).filter((table) => namesTable(withoutComments(text), table));
      for (const table of named) t.ok(mayName(path, table), `${path} names ${table}`);
    }
    t.ok(namesTable('select 1 from contacts where', 'contacts') && namesTable("table(ctx, 'contacts')", 'contacts'));
    t.notOk(namesTable("import { a } from './contacts.ts'; tags: ['contacts:read']", 'contacts'));
  });

  t.test('only config.ts reads the environment', async (t) => {
    const readers = [...sources].filter(([, text]) => withoutComments(text).includes('process.env'));
    t.same(
      readers.map(([path]) => path),
      ['config.ts'],
    );
  });

  t.test('a file has at most 260 lines, but for the generated one', async (t) => {
    for (const [path, text] of sources) {
      const lines = text.split('\n').length - 1;
      if (path !== 'db/rows.ts') t.ok(lines <= 260, `src/${path} has ${lines} lines`);
    }
  });
});

/** Indexes that do not start with the account, and why. */
const index_exceptions: Record<string, string> = {
  accounts_pkey: 'an account is what the others start with',
  idempotency_keys_age: 'old keys of all accounts are swept by age alone',
  channels_id: "a provider's call names its channel and nothing else",
  contacts_name_search: "a million entries of one account would be walked beside a fragment's few: decision 0011",
  contacts_phone_search: "a million entries of one account would be walked beside a fragment's few: decision 0011",
  api_keys_id: 'a presented key carries its id, and only its row tells the account',
  schema_migrations_pkey: 'belongs to no account',
};
/** Tables without an account. */
const tables_without_account = ['accounts', 'schema_migrations'];

t.test('database', async (t) => {
  const { settings } = await createDatabase(t);
  const indexes = await listIndexes(settings);
  const foreign_keys = await listForeignKeys(settings);

  t.test('every table has a home', async (t) => {
    const tables = [...new Set(indexes.map(({ table }) => table))].filter((name) => name !== 'schema_migrations');
    t.same(tables.sort(), Object.keys(homes).sort());
  });

  t.test('the account leads every key and every index', async (t) => {
    for (const { name, table, columns } of indexes) {
      const is_excused = name in index_exceptions;
      t.equal(columns[0] === 'account_id', !is_excused, `${name} on ${table} (${columns.join(', ')})`);
    }
    for (const name of Object.keys(index_exceptions))
      t.ok(
        indexes.some((index) => index.name === name),
        `the exception ${name} exists`,
      );
  });

  t.test('every table but those without an account has a primary key that starts with it', async (t) => {
    for (const table of new Set(indexes.map((index) => index.table))) {
      const key = indexes.find((index) => index.table === table && index.is_primary);
      t.equal(key?.columns[0] === 'account_id', !tables_without_account.includes(table), table);
    }
  });

  t.test('every foreign key carries the account on both sides', async (t) => {
    t.ok(foreign_keys.length > 10);
    for (const { name, columns, target, target_columns } of foreign_keys) {
      const said = `${name}: (${columns.join(', ')}) → ${target} (${target_columns.join(', ')})`;
      if (target === 'accounts') t.same([columns, target_columns], [['account_id'], ['id']], said);
      else t.same([columns[0], target_columns[0], columns.length > 1], ['account_id', 'account_id', true], said);
    }
  });

  t.test('every foreign key has an index that starts with the account and the id it points to', async (t) => {
    // Columns behind those two repeat what the id determines: they make no index more selective.
    for (const { name, table, columns } of foreign_keys) {
      const [first, second = first] = columns;
      const index = indexes.find(
        (one) =>
          one.table === table && !one.is_partial && one.columns[0] === first && one.columns.includes(second ?? ''),
      );
      const place = index?.columns.indexOf(second ?? '') ?? -1;
      t.ok(place >= 0 && place < columns.length, `${name} on ${table} (${columns.join(', ')})`);
    }
  });
});
