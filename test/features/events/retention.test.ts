import t from 'tap';
import { v7 as uuid } from 'uuid';
import { dropOldEvents } from '../../../src/features/events/retention.repository.ts';
import type { Document } from '../../support/document.ts';
import { createEventWriter, untilSettled } from '../../support/events.ts';
import { startService } from '../../support/service.ts';

const day_ms = 86_400_000;
const service = await startService(t, { with_lanes: false });
const { db, ctx } = service;

/** Events of an account, as old as said in days. */
async function age(account_id: string, days: number[]): Promise<string[]> {
  const rows = days.map((old) => {
    const created_at = new Date(Date.now() - old * day_ms);
    return { account_id, id: uuid({ msecs: created_at.getTime() }), type: 'contact.created', data: '{}', created_at };
  });
  await db('events').insert(rows);
  return rows.map(({ id }) => id);
}
const left = async (account_id: string) => (await db('events').where({ account_id }).orderBy('id')).map(({ id }) => id);

t.test('events go with their age, in every account, and nothing younger', async (t) => {
  const clients = await Promise.all(Array.from({ length: 3 }, () => service.createClient()));
  const ids = await Promise.all(clients.map(({ account_id }) => age(account_id, [400, 366, 365.01, 364.99, 1, 0])));
  t.equal(await dropOldEvents(ctx, 365), 9);
  for (const [place, { account_id }] of clients.entries())
    t.same(await left(account_id), (ids[place] ?? []).slice(3), 'the youngest are left');
  t.equal(await dropOldEvents(ctx, 365), 0);
});

t.test('at most 1,000 at once, several processes together', async (t) => {
  const { account_id } = await service.createClient();
  const old = Array.from({ length: 2_500 }, () => 40);
  await age(account_id, [...old, 1]);
  const together = await Promise.all([dropOldEvents(ctx, 31), dropOldEvents(ctx, 31)]);
  for (const count of together) t.ok(count <= 1_000, `${count} at once`);
  let total = together.reduce((sum, count) => sum + count, 0);
  for (let count = 1; count > 0; total += count) count = await dropOldEvents(ctx, 31);
  t.ok(total >= 2_500, `${total} in all`);
  t.equal((await left(account_id)).length, 1);
});

t.test('it reads no table whole, and says of an id that is gone what to do', async (t) => {
  const client = await service.createClient();
  const { write } = await createEventWriter(t, service.settings, service.server.swagger() as unknown as Document);
  const [gone] = await age(client.account_id, [500]);
  const kept = await write(client.account_id);
  await untilSettled(db);
  await db.raw('analyze events');
  const statements: string[] = [];
  const listen = ({ sql }: { sql: string }) => statements.push(sql);
  db.on('query', listen);
  await dropOldEvents(ctx, 365);
  db.off('query', listen);
  await db.transaction(async (trx) => {
    await trx.raw('set local enable_seqscan = off');
    const { rows } = await trx.raw(`explain ${statements[0]?.replace('$1', `'${gone}'`)}`);
    t.notMatch(rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n'), /Seq Scan on events/);
  });
  t.match(await client.get(`/v1/events?after=${gone}`), { status: 404, body: { code: 'event_not_found' } });
  t.match((await client.get('/v1/events')).body, { data: [{ id: kept[0] }] });
});
