import t from 'tap';
import { keepsAll, runTorture } from './run-torture.ts';

// Processes are started one after another: on a busy machine each takes its time.
t.setTimeout(900_000);

t.test('npm run torture -- postgres: the database is restarted at once while clients start', async (t) => {
  const run = await runTorture(t, 'postgres', 2);
  keepsAll(t, run);
  const { restarts, starts } = run.report.figures;
  t.equal(restarts, 2);
  t.ok(Number(starts) >= 200);
});
