import type { ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import { createListeners, endpoints_path, must } from '../../support/listeners.ts';
import { type ReceivedCall, startReceiver, verify } from '../../support/receiver.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

t.setTimeout(900_000);

// So long that no answer is late because the machine is busy.
const service = await startService(t, { env: { CONVERSAR_WEBHOOK_TIMEOUT_MS: '60000' } });
const { db } = service;
const crm = await startReceiver(t);
const base = endpoints_path;
const { listen, happen, called } = createListeners(service, crm);
type Listener = Awaited<ReturnType<typeof listen>>;

const settled = ({ deliveries }: Listener, isGood: (deliveries: Body[]) => boolean) => eventually(deliveries, isGood);
/** As if the time to wait were over. */
const makeTime = ({ id }: Listener) =>
  Promise.all([
    db('webhook_deliveries').where({ endpoint_id: id, state: 'pending' }).update({ run_at: db.fn.now() }),
    db('webhook_endpoints').where({ id }).update({ paused_until: null }),
  ]);

const eventIds = (calls: ReceivedCall[]) => calls.map(({ event }) => event.id as string);

t.test('every event is told, in order, signed, as the feed has it', async (t) => {
  const one = await listen();
  const made = [await happen(one.client), await happen(one.client), await happen(one.client)];
  await called(one, 3);
  t.same(
    one.calls().map(({ event }) => [event.type, event.data.id]),
    made.map(({ id }) => ['contact.created', id]),
  );
  const feed = await must(one.client.get('/v1/events'));
  for (const [place, call] of one.calls().entries()) {
    t.same(verify(one.secret, call), feed.data[place]);
    t.equal(call.headers['webhook-id'], call.event.id);
    t.equal(call.headers['content-type'], 'application/json');
  }
  const [delivery] = await settled(one, (all) => all.length === 3 && all.every(({ status }) => status === 'delivered'));
  t.match(delivery, {
    event_type: 'contact.created',
    next_attempt_at: null,
    attempts: [{ number: 1, status_code: 204, error: null }],
  });
  t.same(await must(one.client.get(`/v1/webhook-deliveries/${delivery.id}`)), delivery);
  t.same((await must(one.client.get(`${base}/${one.id}/deliveries?status=failed`))).data, []);
});

t.test('of the types that were asked for, and of nothing that happened before', async (t) => {
  const client = await service.createClient();
  await happen(client);
  crm.answer('/choosy', 204);
  await must(client.post(base, { url: `${crm.url}/choosy`, events: ['contact.updated', 'contact.created'] }));
  const { id } = await happen(client);
  await must(client.call('PATCH', `/v1/contacts/${id}`, { name: 'Bia' }));
  await must(client.post('/v1/teams', { name: 'Comercial' }));
  await eventually(
    async () => crm.callsOf('/choosy'),
    (calls) => calls.length >= 2,
  );
  t.same(
    crm.callsOf('/choosy').map(({ event }) => [event.type, event.data.id]),
    [
      ['contact.created', id],
      ['contact.updated', id],
    ],
  );
});

t.test('what is not taken is repeated under the same id until it is', async (t) => {
  const answers = [500, 302, 404];
  const one = await listen((response) => {
    response.writeHead(answers.shift() ?? 200, { location: `${crm.url}/inside` }).end('so it is');
  });
  await happen(one.client);
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    await called(one, attempt);
    const [delivery] = await settled(one, ([first]) => first.attempts.length === attempt);
    t.match(delivery, { status: 'pending' });
    const wait_ms = Date.parse(delivery.next_attempt_at) - Date.parse(delivery.attempts[attempt - 1].at);
    const planned_ms = [5_000, 300_000, 1_800_000][attempt - 1] ?? 0;
    t.ok(wait_ms >= 0.8 * planned_ms - 10 && wait_ms <= 1.2 * planned_ms + 5_000, `${wait_ms} ms before the next`);
    await makeTime(one);
  }
  await called(one, 4);
  const [delivery] = await settled(one, ([first]) => first.status === 'delivered');
  t.match(
    delivery.attempts.map(({ status_code, error }: Body) => [status_code, error]),
    [
      [500, 'status'],
      [302, 'status'],
      [404, 'status'],
      [200, null],
    ],
  );
  t.equal(delivery.attempts[0].response, 'so it is');
  t.equal(new Set(eventIds(one.calls())).size, 1);
  for (const call of one.calls()) verify(one.secret, call);
  t.equal(crm.callsOf('/inside').length, 0, 'no redirect is followed');
});

t.test('the tenth attempt is the last', async (t) => {
  const one = await listen(500);
  await happen(one.client);
  await settled(one, ([first]) => first?.attempts.length === 1);
  await db('webhook_deliveries').where({ endpoint_id: one.id }).update({ tries: 9, attempted: 9 });
  await makeTime(one);
  const [delivery] = await settled(one, ([first]) => first.status === 'failed');
  t.match(delivery, { next_attempt_at: null, failed_at: String });
});

t.test('Retry-After is waited for', async (t) => {
  const one = await listen((response) => response.writeHead(503, { 'retry-after': '3600' }).end());
  await happen(one.client);
  const [delivery] = await settled(one, ([first]) => first?.attempts.length === 1);
  const wait_ms = Date.parse(delivery.next_attempt_at) - Date.parse(delivery.attempts[0].at);
  t.ok(wait_ms >= 3_600_000 && wait_ms < 3_700_000, `${wait_ms} ms`);
});

t.test('no answer in time, or a broken one, is a failure that says which', async (t) => {
  // A timer may be early by less than a millisecond.
  const hasty = await startService(t, { env: { CONVERSAR_WEBHOOK_TIMEOUT_MS: '1001' } });
  const slow = createListeners(hasty, await startReceiver(t));
  const hangs = await slow.listen(() => undefined);
  await slow.happen(hangs.client);
  const [hung] = await settled(hangs, ([first]) => first?.attempts.length === 1);
  t.match(hung.attempts, [{ status_code: null, error: 'timeout', response: null }]);
  t.ok(hung.attempts[0].duration_ms >= 1_000);
  const cuts = await listen((response) => response.socket?.destroy());
  await happen(cuts.client);
  const [cut] = await settled(cuts, ([first]) => first?.attempts.length === 1);
  t.match(cut.attempts, [{ status_code: null, error: 'reset' }]);
});

t.test('410 disables the endpoint, with an event, and ends the delivery', async (t) => {
  const one = await listen(410);
  const other = await must(one.client.post(base, { url: `${crm.url}/witness`, events: ['webhook_endpoint.disabled'] }));
  await happen(one.client);
  const disabled = await eventually(one.read, ({ is_enabled }) => !is_enabled);
  t.match(disabled, { disabled_reason: 'gone' });
  t.match(await settled(one, ([first]) => first.status === 'failed'), [{ attempts: [{ status_code: 410 }] }]);
  const [witnessed] = await eventually(
    async () => crm.callsOf('/witness'),
    (calls) => calls.length > 0,
  );
  t.match(witnessed && verify(other.secret, witnessed), {
    type: 'webhook_endpoint.disabled',
    data: { id: one.id, disabled_reason: 'gone' },
  });
  t.notOk(String(witnessed?.text).includes('whsec_'));
  await happen(one.client);
  t.equal(one.calls().length, 1, 'nobody calls it any more');
});

t.test('an endpoint that fails for five days is disabled by the next failure, and not before', async (t) => {
  const one = await listen(500);
  await happen(one.client);
  await settled(one, ([first]) => first?.attempts.length === 1);
  const since = (days: number) => new Date(Date.now() - days * 86_400_000);
  await db('webhook_endpoints')
    .where({ id: one.id })
    .update({ failing_since: since(4.9) });
  await makeTime(one);
  await settled(one, ([first]) => first.attempts.length === 2);
  t.match(await one.read(), { is_enabled: true });
  await db('webhook_endpoints')
    .where({ id: one.id })
    .update({ failing_since: since(5.1) });
  await makeTime(one);
  t.match(await eventually(one.read, ({ is_enabled }) => !is_enabled), { disabled_reason: 'failing' });
  const told = await db('events').where({ account_id: one.client.account_id, type: 'webhook_endpoint.disabled' });
  t.equal(told.length, 1);

  crm.answer(one.path, 204);
  await must(one.client.call('PATCH', `${base}/${one.id}`, { is_enabled: true }));
  await makeTime(one);
  await settled(one, ([first]) => first.status === 'delivered');
  t.match(await one.read(), { failing_since: null });
});

t.test('four are in the air at one endpoint, and never five', async (t) => {
  const one = await listen();
  const since = new Date().toISOString();
  for (let count = 0; count < 12; count += 1) await happen(one.client);
  await settled(one, (all) => all.length === 12 && all.every(({ status }) => status === 'delivered'));
  crm.most_at_once.delete(one.path);
  const held: ServerResponse[] = [];
  const release = () => {
    crm.answer(one.path, 204);
    for (const response of held.splice(0)) response.writeHead(204).end();
  };
  crm.answer(one.path, (response) => {
    held.push(response);
    // A fifth, if there were one, gets a moment to come.
    if (crm.most_at_once.get(one.path) === 4) setTimeout(release, 100);
  });
  await must(one.client.post(`${base}/${one.id}/replay`, { since }));
  await settled(one, (all) => all.every(({ status, attempts }) => status === 'delivered' && attempts.length > 1));
  t.equal(crm.most_at_once.get(one.path), 4);
});

t.test('an endpoint in trouble is paused and then probed, and delays no other', async (t) => {
  const bad = await listen(500);
  for (let count = 0; count < 20; count += 1) await happen(bad.client);
  const { paused_until } = (await eventually(
    () => db('webhook_endpoints').where({ id: bad.id }).first('paused_until'),
    (row) => row?.paused_until != null,
  )) as { paused_until: Date };
  t.ok(paused_until.getTime() - Date.now() > 20_000);
  const asked = bad.calls().length;
  t.ok(asked < 12, `${asked} calls until then`);
  const good = await listen();
  await happen(good.client);
  await called(good, 1);
  t.equal(bad.calls().length, asked, 'nobody asks it meanwhile');
  await makeTime(bad);
  await called(bad, asked + 1);
  await eventually(
    () => db('webhook_endpoints').where({ id: bad.id }).first('paused_until'),
    (row) => row?.paused_until != null,
  );
  t.equal(bad.calls().length, asked + 1, 'one probe');
  crm.answer(bad.path, 204);
  await makeTime(bad);
  await settled(bad, (all) => all.every(({ status }) => status === 'delivered'));
  t.equal(new Set(eventIds(bad.calls())).size, 20);
});

t.test('a rotated secret: both sign for 24 h, then the new one alone', async (t) => {
  const one = await listen();
  const { secret } = await must(one.client.post(`${base}/${one.id}/rotate-secret`));
  t.not(secret, one.secret);
  t.ok(Date.parse((await one.read()).previous_secret_until) > Date.now() + 86_000_000);
  await happen(one.client);
  const [both] = await called(one, 1);
  if (!both) throw new Error('nothing came');
  t.match(verify(secret, both), { type: 'contact.created' });
  t.match(verify(one.secret, both), { type: 'contact.created' });
  await db('webhook_endpoints')
    .where({ id: one.id })
    .update({ previous_secret_until: new Date(Date.now() - 1) });
  await happen(one.client);
  const [, alone] = await called(one, 2);
  if (!alone) throw new Error('nothing came');
  verify(secret, alone);
  t.throws(() => verify(one.secret, alone));
});

t.test('redeliver sends one again under its id, whatever came of it', async (t) => {
  const one = await listen();
  await happen(one.client);
  const [delivery] = await settled(one, ([first]) => first?.status === 'delivered');
  const path = `/v1/webhook-deliveries/${delivery.id}/redeliver`;
  const again = await must(one.client.post(path));
  t.equal(again.id, delivery.id);
  await called(one, 2);
  t.equal(new Set(eventIds(one.calls())).size, 1);
  await settled(one, ([first]) => first.status === 'delivered' && first.attempts.length === 2);
  await must(one.client.call('PATCH', `${base}/${one.id}`, { is_enabled: false }));
  t.match(await one.client.post(path), { status: 409, body: { code: 'webhook_endpoint_disabled' } });
  t.equal((await one.deliveries())[0]?.status, 'delivered');
});

t.test('redeliver, as its endpoint is being deleted, finds no delivery', async (t) => {
  const one = await listen();
  await happen(one.client);
  const [delivery] = await settled(one, ([first]) => first?.status === 'delivered');
  const deleting = await service.db.transaction();
  await deleting('webhook_endpoints').where({ id: one.id }).delete();
  const answer = one.client.post(`/v1/webhook-deliveries/${delivery.id}/redeliver`);
  const waiting = () =>
    service.db.raw<{ rows: unknown[] }>(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%webhook_deliveries%'`,
    );
  await eventually(waiting, ({ rows }) => rows.length > 0);
  await deleting.commit();
  t.match(await answer, { status: 404, body: { code: 'webhook_delivery_not_found' } });
});

t.test('replay tells again what happened since then, and what was missed while disabled', async (t) => {
  const one = await listen();
  await happen(one.client);
  await settled(one, ([first]) => first?.status === 'delivered');
  const since = new Date().toISOString();
  await happen(one.client);
  await settled(one, (all) => all.length === 2 && all.every(({ status }) => status === 'delivered'));
  const path = `${base}/${one.id}`;
  await must(one.client.call('PATCH', path, { is_enabled: false }));
  const missed = await happen(one.client);
  t.match(await one.client.post(`${path}/replay`, { since }), {
    status: 409,
    body: { code: 'webhook_endpoint_disabled' },
  });
  await must(one.client.call('PATCH', path, { is_enabled: true }));
  await happen(one.client);
  await settled(one, (all) => all.length === 3 && all.every(({ status }) => status === 'delivered'));
  t.notOk(
    one.calls().some(({ event }) => event.data.id === missed.id),
    'what it missed is not told by itself',
  );

  const before = one.calls().length;
  await must(one.client.post(`${path}/replay`, { since }));
  // The second contact, `webhook_endpoint.disabled`, the missed one, the last one.
  await called(one, before + 4);
  await settled(one, (all) => all.every(({ status }) => status === 'delivered'));
  const replayed = one.calls().slice(before);
  t.equal(replayed.length, 4);
  t.ok(replayed.some(({ event }) => event.data.id === missed.id));
  t.equal((await one.deliveries()).length, 5, 'an event is one delivery, however often it is told');
  t.match(await one.client.post(`${path}/replay`, { since: 'yesterday' }), { status: 400 });
});

t.test('erasing a contact blanks what endpoints answered of it', async (t) => {
  const one = await listen((response) => response.end('stored Ana'));
  const { id } = await happen(one.client);
  await settled(one, ([first]) => first?.status === 'delivered');
  await must(one.client.call('DELETE', `/v1/contacts/${id}`));
  await settled(one, (all) => all.every(({ status }) => status === 'delivered'));
  const of_contact = (await one.deliveries()).find(({ event_type }) => event_type === 'contact.created');
  t.match(of_contact, { attempts: [{ status_code: 200, response: null }] });
});

t.test('an endpoint that is deleted while it is called takes nothing down', async (t: Test) => {
  let release = () => {};
  const one = await listen((response) => {
    release = () => {
      response.writeHead(204).end();
    };
  });
  await happen(one.client);
  await called(one, 1);
  await must(one.client.call('DELETE', `${base}/${one.id}`));
  release();
  const other = await listen();
  await happen(other.client);
  await settled(other, ([first]) => first?.status === 'delivered');
  t.equal((await db('webhook_deliveries').where({ endpoint_id: one.id })).length, 0);
});
