import t from 'tap';
import { v7 as uuid } from 'uuid';
import type { Scope } from '../../../src/context.ts';
import { claimCalls, readEvents } from '../../../src/features/webhooks/calls.repository.ts';
import { dropOldDeliveries } from '../../../src/features/webhooks/deliveries.repository.ts';
import { holdEndpoints } from '../../../src/features/webhooks/endpoints.repository.ts';
import { recordCalls } from '../../../src/features/webhooks/record-calls.ts';
import { must } from '../../support/listeners.ts';
import { type Body, type Client, eventually, startService } from '../../support/service.ts';

/** Without lanes: each case does their steps itself, in its own order. */
const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const listen = (client: Client): Promise<Body> =>
  must(client.post('/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/crm' }));
const deliveriesOf = (endpoint_id: string) => db('webhook_deliveries').where({ endpoint_id }).orderBy('id');
let people = 0;
const happen = (client: Client): Promise<Body> => {
  people += 1;
  return must(client.post('/v1/contacts', { phone: `319${80_700_000 + people}` }));
};
/** A transaction anywhere on the server hides what is newer. */
const told = (endpoint_id: string, count: number) =>
  eventually(
    async () => {
      await readEvents(ctx);
      return deliveriesOf(endpoint_id);
    },
    (all) => all.length >= count,
  );
const claimAll = () =>
  claimCalls(ctx, { free: 100, free_for_trouble: 100, trouble: 1_000, each: 100, lease_ms: 60_000 });
const failed = { duration_ms: 1, status_code: 500, error: 'status', response: 'no', retry_after_ms: null };

t.test('an event that is composed before an endpoint is made, and commits after it, is told', async (t) => {
  const client = await service.createClient();
  await happen(client);
  const late = await db.transaction();
  const event = {
    ...{
      account_id: client.account_id,
      id: uuid(),
      type: 'contact.created',
      attendance_id: null,
      attendance_sequence: null,
    },
    ...{ contact_id: null, data: { id: uuid() }, created_at: new Date(Date.now() - 5_000) },
  };
  await late('events').insert(event);
  const endpoint = await listen(client);
  await late.commit();
  const next = await happen(client);
  const deliveries = await told(endpoint.id, 2);
  const events = await db('events')
    .whereIn(
      'id',
      deliveries.map(({ event_id }) => event_id),
    )
    .orderBy('created_at');
  t.same(
    events.map(({ id, contact_id }) => contact_id ?? id),
    [event.id, next.id],
    'and nothing that was there before',
  );

  await must(client.call('PATCH', `/v1/webhook-endpoints/${endpoint.id}`, { is_enabled: false }));
  await happen(client);
  await must(client.call('PATCH', `/v1/webhook-endpoints/${endpoint.id}`, { is_enabled: true }));
  const last = await happen(client);
  const more = await told(endpoint.id, 3);
  const [newest] = await db('events')
    .whereIn(
      'id',
      more.map(({ event_id }) => event_id),
    )
    .orderBy('created_at', 'desc');
  t.equal(newest?.contact_id, last.id);
  t.equal(more.length, 3, 'one that is enabled again hears of nothing between');

  await must(client.post(`/v1/webhook-endpoints/${endpoint.id}/replay`, { since: new Date(0).toISOString() }));
  const all = await db('events').where({ account_id: client.account_id });
  t.equal((await told(endpoint.id, all.length)).length, all.length, 'a replay from the beginning tells all');
  t.ok(all.length >= 5);
});

t.test('a delivery that is made due while its call is in the air keeps all of its attempts', async (t) => {
  const client = await service.createClient();
  const endpoint = await listen(client);
  await happen(client);
  const [delivery] = await told(endpoint.id, 1);
  await db('webhook_deliveries').where({ id: delivery?.id }).update({ tries: 9 });
  const calls = (await claimAll()).filter(({ id }) => id === endpoint.id);
  t.equal(calls.length, 1);
  t.match(await client.post(`/v1/webhook-deliveries/${delivery?.id}/redeliver`), { status: 200 });
  const outcome = calls.map((call) => ({ call, made: { ...failed, started_at: new Date() } }));
  const finished = { item: { endpoint: calls[0], calls }, outcome } as never;
  await recordCalls(ctx, [finished]);
  const { body } = await client.get(`/v1/webhook-deliveries/${delivery?.id}`);
  t.match(body, { status: 'pending', failed_at: null, attempts: [{ status_code: 500 }] });
  const [row] = await deliveriesOf(endpoint.id);
  t.match(row, { tries: 0 });
  t.ok(row && row.run_at <= new Date(), 'due now');
});

t.test('what an endpoint is still to hear does not go with its age', async (t) => {
  const client = await service.createClient();
  const [waits, off] = [await listen(client), await listen(client)];
  await happen(client);
  await told(waits.id, 1);
  await told(off.id, 1);
  await must(client.call('PATCH', `/v1/webhook-endpoints/${off.id}`, { is_enabled: false }));
  while ((await dropOldDeliveries(ctx, -1)) > 0);
  t.equal((await deliveriesOf(waits.id)).length, 1);
  t.equal((await deliveriesOf(off.id)).length, 0);
  await db('webhook_deliveries').where({ endpoint_id: waits.id }).update({ state: 'failed', failed_at: new Date() });
  await dropOldDeliveries(ctx, -1);
  t.equal((await deliveriesOf(waits.id)).length, 0);
});

t.test('while a person is erased no endpoint of the account is told of an event as it was', async (t) => {
  const client = await service.createClient();
  const endpoint = await listen(client);
  await happen(client);
  const erasing = await db.transaction();
  await holdEndpoints({ db: erasing, account_id: client.account_id } as Pick<Scope, 'db' | 'account_id'>);
  for (let look = 0; look < 5; look += 1) await readEvents(ctx);
  t.equal((await deliveriesOf(endpoint.id)).length, 0);
  await erasing.rollback();
  t.equal((await told(endpoint.id, 1)).length, 1);
});

t.test('what an endpoint said of a person goes from the kept answer that showed it, too', async (t) => {
  const client = await service.createClient();
  const endpoint = await listen(client);
  const contact = await happen(client);
  const [delivery] = await told(endpoint.id, 1);
  const calls = (await claimAll()).filter(({ id }) => id === endpoint.id);
  const outcome = calls.map((call) => ({ call, made: { ...failed, response: 'stored Ana', started_at: new Date() } }));
  await recordCalls(ctx, [{ item: { endpoint: calls[0], calls }, outcome } as never]);
  const again = () =>
    client.post(`/v1/webhook-deliveries/${delivery?.id}/redeliver`, undefined, { 'idempotency-key': 'k1' });
  t.match((await again()).body.attempts, [{ response: 'stored Ana' }]);
  t.match((await again()).body.attempts, [{ response: 'stored Ana' }], 'and its repeat');
  t.match(await client.call('DELETE', `/v1/contacts/${contact.id}`), { status: 204 });
  t.match(await again(), { status: 410, body: { code: 'idempotency_answer_erased' } });
});

t.test('an erasure that rewrites what was told holds no endpoint meanwhile', async (t) => {
  const client = await service.createClient();
  const endpoint = await listen(client);
  const contact = await happen(client);
  const holding = await db.transaction();
  await holding.raw('set local idle_in_transaction_session_timeout = 0');
  await holding('events').where({ contact_id: contact.id }).forUpdate().select('id');
  const erase = () => client.call('DELETE', `/v1/contacts/${contact.id}`);
  // It waits for a lock no longer than two seconds.
  const erasing = erase();
  await eventually(
    () =>
      db.raw<{ rows: unknown[] }>(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%update events%'`,
      ),
    ({ rows }) => rows.length > 0,
  );
  await t.resolves(
    db.raw('select from webhook_endpoints where account_id = ? and id = ? for update nowait', [
      client.account_id,
      endpoint.id,
    ]),
  );
  await holding.rollback();
  if ((await erasing).status !== 204) t.match(await erase(), { status: 204 });
});
