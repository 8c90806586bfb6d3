import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { createEmptyDatabase } from '../support/database.ts';
import { databaseUrl } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Figures {
  count: number;
  errors: number;
  per_second: number;
  p99_ms: number;
}

interface Results {
  cells: { load: string; at_once: number; program: string; ratio: number; ours: Figures; floor: Figures }[];
}

const cellsOf = (program: string) =>
  ['texts', 'statuses'].flatMap((load) => [1, 16, 64].map((at_once) => `${program}, ${load}, ${at_once} at once`));

t.test('npm run bench -- inbound: ends, prints its table, and leaves every cell without an error', async (t) => {
  const results = t.testdir();
  const { settings } = await createEmptyDatabase(t);
  const args = ['--import', 'tsx', 'bench/run.ts', 'inbound', '--seconds', '1', '--results', results];
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
  t.match(printed, /^load +at once +ours +ours\/s +floor\/s +ratio /m);
  t.equal(printed.match(/^(texts|statuses) +\d+ +(acknowledged|expanded) /gm)?.length, 12, printed);
  const { cells } = JSON.parse(await readFile(join(results, 'inbound.json'), 'utf8')) as Results;
  t.same(
    cells.map(({ program, load, at_once }) => `${program}, ${load}, ${at_once} at once`),
    [...cellsOf('acknowledged'), ...cellsOf('expanded')],
  );
  for (const { program, load, at_once, ratio, ours, floor } of cells) {
    const name = `${program}, ${load}, ${at_once} at once`;
    t.same([ours.errors, floor.errors], [0, 0], `${name}: no errors`);
    t.ok(ours.count > 0 && floor.count > 0 && ratio > 0 && ours.p99_ms > 0, `${name}: measured`);
  }
  t.match(await readFile(join(results, 'inbound.svg'), 'utf8'), /^<svg [\s\S]*<\/svg>\n$/);
});
