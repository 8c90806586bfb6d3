import t from 'tap';
import { expandBodies } from '../../../src/features/inbound/expand-bodies.ts';
import { claimBodies } from '../../../src/features/inbound/inbound.repository.ts';
import { most_places } from '../../../src/features/inbound/message-id.ts';
import { createInbound } from '../../support/inbound.ts';
import { startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const { ctx, db } = service;
const company = await service.createCompany();
const { gateway } = createInbound(service, company);
const lease_ms = 600_000;

t.beforeEach(async () => {
  await db('inbound_bodies').delete();
  await db('inbound_items').delete();
});

/** A body of so many events of which nothing is for us. */
const tell = (events: number) =>
  gateway(
    'messages.set',
    Array.from({ length: events }, () => 0),
  );
const bodies = () => db('inbound_bodies').orderBy('id').select('state', 'attempt', 'reason', 'lease_until');

/** A body of these bytes. */
async function post(text: string): Promise<unknown> {
  const { body: channel } = await company.get(`/v1/channels/${company.unofficial_id}`);
  const url = `/v1/inbound/${company.unofficial_id}/${channel.webhook.verify_token}`;
  return service.send(null, 'POST', url, text, { 'content-type': 'application/json' });
}

/** As the lane does it; with a lease that has no time left, the first part alone is begun. */
async function expand({ has_time = true } = {}): Promise<number> {
  const deps = { vaults: service.vaults, lease_ms: has_time ? lease_ms : 0, public_url: 'http://conversar.test' };
  return expandBodies(ctx, deps as never, await claimBodies(ctx, 1, lease_ms));
}

t.test('what does not fit into the lease is given back, unread, as if it had not been claimed', async (t) => {
  for (const events of [200, 200, 150, 150]) await tell(events);
  await post('no JSON');
  await expand({ has_time: false });
  const due = { state: 'due', attempt: 0, reason: null, lease_until: null };
  t.same(await bodies(), [due, due, due], 'two were of the first part');
  await expand();
  t.match(await bodies(), [{ state: 'quarantined', attempt: 1, reason: 'the body is no JSON' }]);
});

t.test('a body that cannot be read is put aside with its reason, and those beside it are expanded', async (t) => {
  await tell(1);
  const depth = 200_000;
  await post(`{"text":"\\u0000","nested":${'['.repeat(depth)}${']'.repeat(depth)}}`);
  await tell(1);
  const [, , last] = await db('inbound_bodies').orderBy('id').select('id');
  await tell(1);
  await db('inbound_bodies')
    .where({ id: last?.id })
    .update({ body: Buffer.alloc(64) });
  await expand();
  const aside = { state: 'quarantined', attempt: 1, reason: /^the body cannot be read: ./ };
  t.match(await bodies(), [aside, aside]);
  t.equal((await bodies()).length, 2);
});

t.test('a body of more events than have ids is put aside, and one of as many is expanded', async (t) => {
  await tell(most_places);
  await tell(most_places + 1);
  await expand();
  t.match(await bodies(), [{ state: 'quarantined', reason: 'the body tells of 4097 events, and may of 4096' }]);
  t.equal((await bodies()).length, 1);
});
