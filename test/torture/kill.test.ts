import t from 'tap';
import { keepsAll, runTorture } from './run-torture.ts';

// Processes are started one after another: on a busy machine each takes its time.
t.setTimeout(900_000);

t.test('npm run torture -- kill: processes are killed while clients start, and every promise holds', async (t) => {
  const run = await runTorture(t, 'kill', 4);
  keepsAll(t, run);
  const { kills, starts } = run.report.figures;
  t.equal(kills, 4);
  t.ok(Number(starts) > 0);
});
