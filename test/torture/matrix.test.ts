import t from 'tap';
import { points } from '../../torture/matrix-points.ts';
import { keepsAll, runTorture } from './run-torture.ts';

// Two processes are started for each cell: on a busy machine each takes its time.
t.setTimeout(600_000);

t.test('npm run torture -- matrix: one cell of each point ends as it promises', async (t) => {
  const run = await runTorture(t, 'matrix', points.length);
  keepsAll(t, run);
  t.equal(run.report.figures['cells played'], points.length);
});
