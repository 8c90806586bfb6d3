import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { createEmptyDatabase } from '../support/database.ts';
import { databaseUrl } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Cell {
  kind: string;
  contacts: number;
  looks: number;
  matches: number;
  ratio: number;
}

t.test('npm run bench -- search: ends, finds what the floor finds, and says what was left out', async (t) => {
  const results = t.testdir();
  const { settings } = await createEmptyDatabase(t);
  const args = ['--import', 'tsx', 'bench/run.ts', 'search', '--seconds', '1', '--results', results];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', TEST_DATABASE_URL: databaseUrl(settings) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill());
  let printed = '';
  let said = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  t.equal(code, 0, said);
  t.match(printed, /left out for want of time: 100000, 1000000 contacts/);
  const { cells } = JSON.parse(await readFile(join(results, 'search.json'), 'utf8')) as { cells: Cell[] };
  t.same(
    cells.map(({ kind, contacts }) => `${kind}, ${contacts}`),
    ['name', 'accents', 'rare, 3 letters', 'number', 'common name'].map((kind) => `${kind}, 10000`),
  );
  for (const { kind, looks, matches, ratio } of cells)
    t.ok(looks > 0 && matches > 0 && ratio > 0, `${kind}: measured, and somebody is found`);
});
