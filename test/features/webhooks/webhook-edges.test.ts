import t from 'tap';
import { createListeners, endpoints_path, must } from '../../support/listeners.ts';
import { startReceiver, verify } from '../../support/receiver.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

t.setTimeout(900_000);

// So long that no answer which a test keeps back is late.
const service = await startService(t, { env: { CONVERSAR_WEBHOOK_TIMEOUT_MS: '60000' } });
const { db } = service;
const crm = await startReceiver(t);
const { listen, happen: make, called } = createListeners(service, crm);
type Listener = Awaited<ReturnType<typeof listen>>;
const happen = async ({ client }: Listener): Promise<string> => (await make(client)).id;
const told = ({ calls }: Listener) => calls().map(({ event }) => event.data.id);
const nothingWaits = ({ id }: Listener) =>
  eventually(
    () => db('webhook_deliveries').where({ endpoint_id: id, state: 'pending' }),
    (left) => left.length === 0,
  );

t.test('an id in capitals is the same id: what is sealed with it opens again', async (t) => {
  const one = await listen();
  const { secret } = await must(one.client.post(`${endpoints_path}/${one.id.toUpperCase()}/rotate-secret`));
  t.match(await one.client.post(`${one.url}/test`), { status: 200, body: { status_code: 204 } });
  await happen(one);
  const [, call] = await called(one, 2);
  if (!call) throw new Error('nothing came');
  t.match(verify(secret, call), { type: 'contact.created' });
});

t.test('a replay passes over nothing that was not told yet, whatever its time', async (t) => {
  const one = await listen();
  const first = await happen(one);
  await called(one, 1);

  t.match(await one.client.post(`${one.url}/replay`, { since: '2099-01-01T00:00:00Z' }), { status: 200 });
  const second = await happen(one);
  await called(one, 2);
  t.same(told(one), [first, second], 'what happens after a replay from the future is told');

  // As if the lane had been away: three events that it has not read.
  const idle = await db.transaction();
  await idle('webhook_endpoints').where({ id: one.id }).forUpdate().select('id');
  const unread = [await happen(one), await happen(one), await happen(one)];
  const replayed = one.client.post(`${one.url}/replay`, { since: new Date().toISOString() });
  await eventually(
    () =>
      db.raw<{ rows: unknown[] }>(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%webhook_endpoints%'`,
      ),
    ({ rows }) => rows.length > 0,
  );
  await idle.commit();
  t.match(await replayed, { status: 200 });
  await eventually(
    async () => told(one),
    (all) => unread.every((id) => all.includes(id)),
  );
  await nothingWaits(one);
  t.equal(
    told(one).filter((id) => id === first).length,
    1,
    'and what is older than it asked for is told no second time',
  );
});

t.test('an endpoint that is moved is not judged by what its old place still answers', async (t) => {
  let release = () => {};
  const one = await listen((response) => {
    release = () => void response.writeHead(410).end();
  });
  await happen(one);
  await called(one, 1);
  crm.answer('/moved', 204);
  await must(one.client.call('PATCH', one.url, { url: `${crm.url}/moved` }));
  release();
  await eventually(
    async () => crm.callsOf('/moved'),
    (calls) => calls.length >= 1,
  );
  await nothingWaits(one);
  t.match(await must(one.client.get(one.url)), { is_enabled: true, disabled_reason: null, failing_since: null });
});

t.test('what is answered to a call in the air when its person is erased is not kept', async (t) => {
  let release = () => {};
  const one = await listen((response, { event }) => {
    const answer = () => void response.end(`stored ${event.data.id}`);
    if (event.type === 'contact.created') release = answer;
    else answer();
  });
  const id = await happen(one);
  await called(one, 1);
  await must(one.client.call('DELETE', `/v1/contacts/${id}`));
  release();
  await called(one, 2);
  await nothingWaits(one);
  const { data } = await must(one.client.get(`${one.url}/deliveries`));
  const of = (type: string) => data.find(({ event_type }: Body) => event_type === type).attempts;
  t.match(of('contact.created'), [{ status_code: 200, response: null }]);
  t.match(of('contact.erased'), [{ response: `stored ${id}` }]);
});

t.test('endpoints that somebody holds hold up what comes of the calls of no other account', async (t) => {
  const answers: (() => void)[] = [];
  const hang: Parameters<typeof listen>[0] = (response) => void answers.push(() => response.writeHead(204).end());
  const [one, other] = [await listen(hang), await listen(hang)];
  await happen(one);
  await called(one, 1);
  await happen(other);
  await called(other, 1);
  const holding = await db.transaction();
  await holding.raw('set local idle_in_transaction_session_timeout = 0');
  await holding('webhook_endpoints').where({ id: one.id }).forUpdate().select('id');
  const [answerOne, answerOther] = answers;
  answerOne?.();
  await eventually(
    () =>
      db.raw<{ rows: unknown[] }>(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%webhook_endpoints%'`,
      ),
    ({ rows }) => rows.length > 0,
  );
  answerOther?.();
  await nothingWaits(other);
  t.equal((await db('webhook_deliveries').where({ endpoint_id: one.id, state: 'pending' })).length, 1);
  await holding.rollback();
  await nothingWaits(one);
});
