import t from 'tap';
import { keepsAll, runTorture } from './run-torture.ts';

// Processes are started one after another: on a busy machine each takes its time.
t.setTimeout(900_000);

t.test(
  'npm run torture -- webhooks: processes are killed, and every endpoint that takes hears of everything',
  async (t) => {
    const run = await runTorture(t, 'webhooks', 2);
    keepsAll(t, run);
    const { kills, events } = run.report.figures;
    t.equal(kills, 2);
    t.ok(Number(events) >= 50, `${events} events`);
  },
);
