import t from 'tap';
import { keepsAll, runTorture } from './run-torture.ts';

// Three processes, one after the other: on a busy machine each takes its time.
t.setTimeout(900_000);

t.test('marked values are found where they belong, and nowhere else', async (t) => {
  const ended = await runTorture(t, 'secrets', 1);
  keepsAll(t, ended);
  t.ok(Number(ended.report.figures['marked values']) >= 40);
});
