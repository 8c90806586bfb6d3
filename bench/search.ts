import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import pg from 'pg';
import { type ConnectionSettings, clientConfig, connect } from '../src/db/connection.ts';
import { migrate } from '../src/db/migrate.ts';
import { createAccount } from '../src/features/accounts/create-account.ts';
import { createKeyForAccount } from '../src/features/accounts/create-api-key.ts';
import { createKeyRing } from '../src/seal.ts';
import type { Bench, BenchContext, Report } from './bench.ts';
import { round } from './measure.ts';
import type { OursSettings } from './ours.ts';
import { type Program, startProgram } from './program.ts';
import { type FragmentKind, fragmentsOf, insertPeople } from './search-people.ts';

const kinds: FragmentKind[] = ['name', 'accents', 'rare, 3 letters', 'number', 'common name'];
const all_sizes = [10_000, 100_000, 1_000_000];
/** A million takes minutes to write, a hundred thousand seconds. */
const seconds_for = [0, 8, 30];
const other_accounts = 100;
const rows_at_once = 5_000;
const page = 20;
const warm_up_looks = 10;
/** Of a kind whose time is very short. */
const fewest_looks = 5;

/** Latencies of one kind of fragment among so many contacts. */
interface Cell {
  kind: FragmentKind;
  contacts: number;
  matches: number;
  floor_ms: number[];
  ours_ms: number[];
}

export const search: Bench = {
  about: 'GET /v1/contacts?search= beside the raw statement with its index, by number of contacts',
  channels: 0,
  run: async (context: BenchContext): Promise<Report> => {
    const sizes = all_sizes.filter((_, place) => context.seconds >= (seconds_for[place] ?? 0));
    const cells: Cell[] = [];
    for (const contacts of sizes) cells.push(...(await measureSize(context, contacts, sizes.length)));
    return report(cells, context, all_sizes.slice(sizes.length));
  },
};

async function measureSize(context: BenchContext, contacts: number, sizes: number): Promise<Cell[]> {
  const { server, log, signal, say, profile_folder } = context;
  say(`${contacts} contacts: writing them`);
  const settings = await server.createDatabase(`search_${contacts}`);
  await migrate(settings, { log, signal });
  const db = connect(settings, { pool_max: 2, application_name: 'conversar bench', log });
  const floor = new pg.Client(clientConfig(settings, 'conversar bench floor'));
  const master_key = randomBytes(32);
  let program: Program | undefined;
  try {
    const { account_id, key } = await fill(context, { settings, db, master_key, contacts });
    const given: OursSettings = { settings, master_key: master_key.toString('base64'), role: 'http' };
    program = await startProgram(new URL('./ours.ts', import.meta.url), given, { profile_folder, signal });
    await floor.connect();
    const cells: Cell[] = [];
    for (const kind of kinds) {
      say(`${contacts} contacts: ${kind}`);
      const looked_for = await pickFragments(db, account_id, kind);
      const for_ms = (1_000 * context.seconds) / (sizes * kinds.length);
      cells.push(await measureKind({ floor, program, account_id, key, kind, contacts, looked_for, for_ms, signal }));
    }
    return cells;
  } finally {
    await program?.stop();
    await floor.end().catch(() => undefined);
    await db.destroy();
  }
}

interface Filled {
  settings: ConnectionSettings;
  db: Knex;
  master_key: Buffer;
  contacts: number;
}

/** One account with so many, and 100 others with half as many together. */
async function fill({ log, signal }: BenchContext, { settings, db, master_key, contacts }: Filled) {
  const ctx = { db, log, now: () => new Date(), signal };
  const key_ring = createKeyRing([{ kid: 'bench', key: master_key }]);
  const { id: account_id } = await createAccount(ctx, key_ring, { name: 'Loja Exemplo' });
  const { key } = await createKeyForAccount(ctx, account_id, { name: 'bench', scopes: ['contacts:read'] });
  const insert = async (id: string, from: number, to: number) => {
    for (let next = from; next < to; next += rows_at_once) {
      signal.throwIfAborted();
      await insertPeople(db, id, next, Math.min(to, next + rows_at_once) - 1);
    }
  };
  await insert(account_id, 0, contacts);
  const each = Math.ceil(contacts / (2 * other_accounts));
  for (let other = 0; other < other_accounts; other += 1) {
    const { id } = await createAccount(ctx, key_ring, { name: `Outra ${other}` });
    await insert(id, other * each, (other + 1) * each);
  }
  // What autovacuum does in a service that has run for a while; fresh entries leave the list that each look reads.
  const maintenance = new pg.Client(clientConfig(settings, 'conversar bench'));
  await maintenance.connect();
  await maintenance.query('vacuum analyze contacts').finally(() => maintenance.end());
  return { account_id, key };
}

const picked = 40;

/** Fragments of people who are spread over the whole account; a kind that has one fragment alone gives that one. */
async function pickFragments(db: Knex, account_id: string, kind: FragmentKind): Promise<[string, ...string[]]> {
  const { rows } = await db.raw<{ rows: { name: string; phone: string }[] }>(
    `select name, phone from (
       select name, phone, row_number() over (order by id) as place, count(*) over () as people
         from contacts where account_id = :account_id) c
      where place % greatest(1, people / :picked) = 0 order by place limit :picked`,
    { account_id, picked },
  );
  const [first, ...others] = new Set(rows.map((row) => fragmentsOf(kind, row)));
  if (first === undefined) throw new Error('nobody is there to look for');
  return [first, ...others];
}

interface Look {
  floor: pg.Client;
  program: Program;
  account_id: string;
  key: string;
  kind: FragmentKind;
  contacts: number;
  looked_for: [string, ...string[]];
  for_ms: number;
  signal: AbortSignal;
}

/** Values and not a name: the plan may follow from how rare the fragment is. */
const sqlOf = (column: string) => `
  select id, name, profile_name, phone, email, external_ref, metadata, created_at, updated_at from contacts
   where account_id = $1 and erased_at is null and ${column} like '%' || search_key($2) || '%' order by id desc limit ${page + 1}`;

/** Floor and ours take turns, look by look. */
async function measureKind(look: Look): Promise<Cell> {
  const { floor, program, account_id, key, kind, contacts, looked_for, for_ms, signal } = look;
  const column = kind === 'number' ? 'phone_digits' : 'name_key';
  const text = sqlOf(column);
  const askFloor = async (fragment: string) => (await floor.query(text, [account_id, fragment])).rows.length;
  const askOurs = async (fragment: string) => {
    const path = `/v1/contacts?limit=${page}&search=${encodeURIComponent(fragment)}`;
    const answer = await program.pool.request({ method: 'GET', path, headers: { authorization: `Bearer ${key}` } });
    const { data } = (await answer.body.json()) as { data?: unknown[] };
    if (answer.statusCode !== 200 || !data) throw new Error(`a search was answered ${answer.statusCode}`);
    return data.length;
  };
  const cell: Cell = { kind, contacts, matches: 0, floor_ms: [], ours_ms: [] };
  const { rows } = await floor.query<{ n: string }>(
    `select count(*) as n from contacts where account_id = $1 and ${column} like '%' || search_key($2) || '%'`,
    [account_id, looked_for[0]],
  );
  cell.matches = Number(rows[0]?.n ?? 0);
  const deadline = performance.now() + 2 * for_ms;
  for (let turn = 0; turn < warm_up_looks + fewest_looks || performance.now() < deadline; turn += 1) {
    signal.throwIfAborted();
    const fragment = looked_for[turn % looked_for.length] ?? looked_for[0];
    const begun_at = performance.now();
    const expected = await askFloor(fragment);
    const between = performance.now();
    const found = await askOurs(fragment);
    if (found !== Math.min(page, expected)) throw new Error(`"${fragment}": ${found} found, ${expected} are there`);
    if (turn < warm_up_looks) continue;
    cell.floor_ms.push(between - begun_at);
    cell.ours_ms.push(performance.now() - between);
  }
  return cell;
}

const at = (all: number[], share: number) =>
  round(all.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * all.length) - 1)] ?? 0);

function report(cells: Cell[], { seconds }: BenchContext, left_out: number[]): Report {
  const figures = cells.map(({ floor_ms, ours_ms, ...cell }) => {
    const [floor_p50_ms, ours_p50_ms] = [at(floor_ms, 0.5), at(ours_ms, 0.5)];
    const ratio = round(ours_p50_ms / floor_p50_ms);
    const smaller = cells.find(({ kind, contacts }) => kind === cell.kind && contacts * 10 === cell.contacts);
    const growth = smaller ? round(ours_p50_ms / at(smaller.ours_ms, 0.5)) : null;
    const p99 = { ours_p99_ms: at(ours_ms, 0.99), floor_p99_ms: at(floor_ms, 0.99) };
    return { ...cell, looks: ours_ms.length, floor_p50_ms, ours_p50_ms, ratio, growth, ...p99 };
  });
  const without = left_out.length === 0 ? '' : `; left out for want of time: ${left_out.join(', ')} contacts`;
  const title = `search: ms of GET /v1/contacts?search=, one at a time, ${seconds} s per program${without}`;
  return {
    title,
    head: 'kind,contacts,matches,looks,ours p50,floor p50,ratio,growth,ours p99,floor p99'.split(','),
    rows: figures.map((one) => [
      one.kind,
      one.contacts,
      one.matches,
      one.looks,
      one.ours_p50_ms,
      one.floor_p50_ms,
      one.ratio,
      one.growth,
      one.ours_p99_ms,
      one.floor_p99_ms,
    ]),
    cells: figures,
    chart: {
      title: 'Search, p50 in ms',
      subtitle: 'Over HTTP, beside the raw statement with its index. Read the ratios.',
      series: ['floor', 'ours'],
      groups: figures.map((one) => ({
        name: `${one.kind}, ${one.contacts}`,
        values: [one.floor_p50_ms, one.ours_p50_ms],
        labels: ['1', `${one.ratio} ×`],
      })),
    },
  };
}
