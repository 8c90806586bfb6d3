import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { createEmptyDatabase } from './database.ts';
import { databaseUrl } from './process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a bench to its end, which must be a good one: what it printed, the cells of its JSON, its SVG. */
export async function runBench<Cell>(
  t: Test,
  name: string,
  args: string[],
): Promise<{ printed: string; cells: Cell[]; svg: string }> {
  const results = t.testdir();
  const { settings } = await createEmptyDatabase(t);
  const child = spawn(process.execPath, ['--import', 'tsx', 'bench/run.ts', name, ...args, '--results', results], {
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
  const { cells } = JSON.parse(await readFile(join(results, `${name}.json`), 'utf8')) as { cells: Cell[] };
  return { printed, cells, svg: await readFile(join(results, `${name}.svg`), 'utf8') };
}
