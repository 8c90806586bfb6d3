import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import type { Report } from '../../torture/torture.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { databaseUrl } from '../support/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The short form of a torture, as the command runs it, from the sources: its report, and all that it said. */
export async function runTorture(t: Test, name: string, rounds: number) {
  const results = t.testdir();
  const { settings } = await createEmptyDatabase(t);
  const args = [
    '--import',
    'tsx',
    'torture/run.ts',
    name,
    '--source',
    '--rounds',
    String(rounds),
    '--results',
    results,
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', TEST_DATABASE_URL: databaseUrl(settings) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    // Asked, so that it ends what it began.
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  const text = await readFile(join(results, `${name}.json`), 'utf8').catch(() => '{"figures":{},"findings":[]}');
  return { code, said, report: JSON.parse(text) as Report };
}

/** That it looked at everything, and found nothing. */
export function keepsAll(t: Test, { code, said, report }: Awaited<ReturnType<typeof runTorture>>): void {
  t.equal(code, 0, said);
  t.ok(report.findings.length > 0, said);
  for (const { promise, broken } of report.findings) t.same(broken, [], promise);
}
