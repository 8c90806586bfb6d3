import t from 'tap';
import { claimCalls, readEvents } from '../../../src/features/webhooks/calls.repository.ts';
import { must } from '../../support/listeners.ts';
import { type Client, eventually, startService } from '../../support/service.ts';

const trouble = 5;

/** Without lanes: who is called, and when, is the test's to say. */
async function startTurns() {
  const service = await startService(t, { with_lanes: false });
  const { db, ctx } = service;
  let people = 0;
  /** An account with so many endpoints that all are to be told of one event, and were called last so many minutes ago. */
  const listen = async (endpoints: number, minutes_ago: number, failures = 0): Promise<Client> => {
    const client = await service.createClient();
    await addEndpoints(client, endpoints, minutes_ago, failures);
    return client;
  };
  const addEndpoints = async (client: Client, endpoints: number, minutes_ago: number, failures: number) => {
    const ids: string[] = [];
    for (let made = 0; made < endpoints; made += 1)
      ids.push((await must(client.post('/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/crm' }))).id);
    people += 1;
    await must(client.post('/v1/contacts', { phone: `319${80_500_000 + people}` }));
    // A transaction anywhere on the server hides what is newer.
    await eventually(
      async () => {
        await readEvents(ctx);
        return db('webhook_deliveries').whereIn('endpoint_id', ids);
      },
      (deliveries) => deliveries.length === endpoints,
    );
    await db('webhook_endpoints')
      .whereIn('id', ids)
      .update({
        claimed_at: db.raw(`now() - make_interval(mins => ?)`, [minutes_ago]),
        failures,
        failing_since: failures > 0 ? db.fn.now() : null,
      });
  };
  /** Whose endpoints are taken, by account. */
  const claim = async (free: number, free_for_trouble = free) => {
    const calls = await claimCalls(ctx, { free, free_for_trouble, trouble, each: 1, lease_ms: 600_000 });
    const of_account = new Map<string, Set<string>>();
    for (const { account_id, id } of calls)
      of_account.set(account_id, (of_account.get(account_id) ?? new Set()).add(id));
    return ({ account_id }: Client) => of_account.get(account_id)?.size ?? 0;
  };
  return { db, listen, addEndpoints, claim };
}

t.test('accounts take turns, whoever has waited longest, and those who are called already stand behind', async (t) => {
  const { listen, claim } = await startTurns();
  const crowd = await listen(12, 60);
  const other = await listen(3, 2);
  const first = await claim(4);
  t.same([first(crowd), first(other)], [2, 2], 'a crowd that waits longer has no more turns');
  const next = await claim(1);
  t.same([next(crowd), next(other)], [1, 0], 'of those with as many in the air who waited longest');
  const last = await listen(1, 1);
  const late = await claim(1);
  t.same([late(crowd), late(other), late(last)], [0, 0, 1], 'who has none comes first');
  const rest = await claim(100);
  t.same([rest(crowd), rest(other)], [9, 1], 'and nobody waits while there are places');
});

t.test('a lease that has passed counts no more', async (t) => {
  const { db, listen, claim } = await startTurns();
  const crowd = await listen(4, 60);
  const other = await listen(4, 2);
  const first = await claim(6);
  t.same([first(crowd), first(other)], [3, 3]);
  await db('webhook_endpoints')
    .where({ account_id: crowd.account_id })
    .whereNotNull('lease_until')
    .update({ lease_until: db.fn.now() });
  const next = await claim(2);
  t.same([next(crowd), next(other)], [2, 0]);
});

t.test('in trouble they take turns as well, behind all others and in no more places than they may', async (t) => {
  const { listen, addEndpoints, claim } = await startTurns();
  const crowd = await listen(6, 60, trouble);
  const other = await listen(2, 2, trouble);
  await addEndpoints(crowd, 1, 1, 0);
  const first = await claim(4, 2);
  t.same([first(crowd), first(other)], [2, 1], 'its good one first, then one of each');
  const next = await claim(4, 0);
  t.same([next(crowd), next(other)], [0, 0]);
});
