import t, { type Test } from 'tap';
import { syncDueTemplates } from '../../../src/features/templates/sync-due.ts';
import { eventually } from '../../support/service.ts';
import { graphTemplate, startGraph, startTemplates } from '../../support/template-server.ts';

const service = await startTemplates(t);
const { ctx, createClient, addChannel } = service;
const { db } = ctx;

interface Company {
  /** Requests for templates that came in so far. */
  asked: () => number;
  /** Lets the oldest request that waits be answered. */
  answer: () => void;
  /** All of its channels, as far as their templates have been read. */
  synced: () => Promise<number>;
}

/** An account with some channels that are to be read again, the first of them for so many minutes. */
async function addCompany(t: Test, channels: number, minutes: number, { is_slow = true } = {}): Promise<Company> {
  const client = await createClient();
  const graph = await startGraph(t, [graphTemplate('a')]);
  const waiting: (() => void)[] = [];
  let asked = 0;
  graph.beforeAnswer = async () => {
    asked += 1;
    if (is_slow) await new Promise<void>((resolve) => waiting.push(resolve));
    return 200;
  };
  const ids: string[] = [];
  for (let made = 0; made < channels; made += 1) ids.push((await addChannel(client, { base_url: graph.url })).id);
  for (const [place, id] of ids.entries())
    await db('channels')
      .where({ id })
      .update({ sync_due_at: db.raw('now() - make_interval(mins => ?, secs => ?)', [minutes, -place]) });
  return {
    asked: () => asked,
    answer: () => waiting.shift()?.(),
    synced: async () => (await db('channels').whereIn('id', ids).whereNotNull('templates_synced_at')).length,
  };
}

const syncDue = (signal = new AbortController().signal) =>
  syncDueTemplates({ ...ctx, signal }, service.vaults, { ...service.outside, send_timeout_ms: 600_000 });
const is = (count: number) => (found: number) => found === count;

t.test('one account with slow channels holds up nobody: one at a time is read, others beside it', async (t) => {
  const slow = await addCompany(t, 3, 60);
  const quick = await addCompany(t, 3, 1, { is_slow: false });
  const run = syncDue();
  await eventually(quick.synced, is(3));
  t.equal(slow.asked(), 1);
  for (const count of [1, 2, 3]) {
    await eventually(async () => slow.asked(), is(count));
    slow.answer();
  }
  t.equal(await run, 6);
  t.equal(await slow.synced(), 3);
  t.equal(await syncDue(), 0, 'each once');
});

t.test('four at once, and then the account that had no turn yet', async (t) => {
  const crowd: Company[] = [];
  for (let made = 0; made < 4; made += 1) crowd.push(await addCompany(t, 2, 60 - made));
  const last = await addCompany(t, 1, 1);
  const run = syncDue();
  const asked = async () => crowd.map((one) => one.asked());
  await eventually(asked, (all) => all.every((count) => count === 1));
  t.equal(last.asked(), 0);
  crowd[2]?.answer();
  await eventually(async () => last.asked(), is(1));
  t.same(await asked(), [1, 1, 1, 1], 'whoever had one waits');
  last.answer();
  await eventually(async () => crowd[2]?.asked() ?? 0, is(2));
  const answering = setInterval(() => crowd.map((one) => one.answer()), 25);
  t.teardown(() => clearInterval(answering));
  t.equal(await run, 9);
  for (const one of crowd) t.equal(await one.synced(), 2);
});

t.test('a stop ends it, and what was not read is still to be', async (t) => {
  const slow = [await addCompany(t, 2, 60), await addCompany(t, 2, 60)];
  const stop = new AbortController();
  const run = syncDue(stop.signal);
  await eventually(
    async () => slow.map((one) => one.asked()),
    ([one, two]) => one === 1 && two === 1,
  );
  stop.abort();
  t.equal(await run, 2);
  const due = await db('channels').whereNotNull('sync_due_at').whereNull('templates_synced_at');
  t.equal(due.length, 4);
});
