import t from 'tap';
import { listCells } from '../../torture/matrix-points.ts';
import { keepsAll, runTorture } from './run-torture.ts';

// Two processes are started for each cell: on a busy machine each takes its time.
t.setTimeout(900_000);

/** The first cells of the list are one of each point. */
const points = new Set(listCells(['evolution']).map(({ point }) => point)).size;

t.test('npm run torture -- matrix: one cell of each point ends as it promises', async (t) => {
  const run = await runTorture(t, 'matrix', points);
  keepsAll(t, run);
  t.equal(run.report.figures['cells played'], points);
});
