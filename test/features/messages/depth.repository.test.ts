import t from 'tap';
import { claimMessages } from '../../../src/features/messages/claim.repository.ts';
import { readQueueDepth } from '../../../src/features/messages/depth.repository.ts';
import { queueMessages } from '../../support/queue.ts';
import { startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const other = await service.createCompany();
const { db, ctx } = service;

t.test('counts what waits, of all accounts, by state', async (t) => {
  t.same(await readQueueDepth(ctx), { queued: 0, queued_due: 0, sending: 0, unknown: 0 });
  const due = { account_id: company.account_id, channel_id: company.unofficial_id };
  const later = { account_id: other.account_id, channel_id: other.unofficial_id };
  await queueMessages(db, due, 4);
  await queueMessages(db, later, 3, { run_in_s: 600 });
  t.same(await readQueueDepth(ctx), { queued: 7, queued_due: 4, sending: 0, unknown: 0 });
  const { claimed } = await claimMessages(ctx, 1, 60_000);
  t.same(await readQueueDepth(ctx), { queued: 6, queued_due: 3, sending: 1, unknown: 0 });
  const id = claimed[0]?.id ?? '';
  await db('messages').where({ id }).update({ state: 'unknown', unknown_at: new Date(), run_at: new Date() });
  t.same(await readQueueDepth(ctx), { queued: 6, queued_due: 3, sending: 0, unknown: 1 });
});

t.test('stops counting at its bound', async (t) => {
  const place = { account_id: company.account_id, channel_id: company.official_id };
  await queueMessages(db, place, 1_500, { from: 100 });
  t.match(await readQueueDepth(ctx, 100), { queued: 100, sending: 0 });
});

t.test('beside a long history it reads the indexes of what waits, and no table', async (t) => {
  const fact = { state: 'settled', accepted_at: new Date() };
  await db('messages').where({ state: 'queued', channel_id: company.official_id }).update(fact);
  await db.raw('vacuum analyze messages');
  const plans: string[] = [];
  const explain = async (sql: string) => {
    const { rows } = await db.raw<{ rows: Record<string, string>[] }>(`explain ${sql}`);
    plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
  };
  const asked: { sql: string; bindings: unknown[] }[] = [];
  const note = (one: { sql: string; bindings: unknown[] }) => asked.push(one);
  db.on('query', note);
  await readQueueDepth(ctx);
  db.removeListener('query', note);
  // Its one value is a number, which stands in it more than once.
  for (const { sql, bindings } of asked) await explain(sql.replace(/\$(\d+)/g, (_, place) => `${bindings[place - 1]}`));
  t.equal(plans.length, 1);
  t.notMatch(plans[0], 'Seq Scan');
  for (const index of [/messages_(queue|late)/, /messages_leases/, /messages_doubts/]) t.match(plans[0], index);
});
