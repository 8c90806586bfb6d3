import t from 'tap';
import { keepsAll, runTorture } from './run-torture.ts';

// Processes are started one after another: on a busy machine each takes its time.
t.setTimeout(900_000);

t.test('npm run torture -- stop: processes are stopped under load, in order and in time', async (t) => {
  const run = await runTorture(t, 'stop', 3);
  keepsAll(t, run);
  const { stops, starts } = run.report.figures;
  t.equal(stops, 3, 'one that serves, one without lanes, one worker');
  t.ok(Number(starts) > 0);
});
