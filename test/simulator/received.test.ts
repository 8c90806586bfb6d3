import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { simulate } from './simulated.ts';

t.test(
  'GET /_received › oldest first, by any form of the number, channel, protocol, correlator, acceptance',
  async (t) => {
    const { graph, evolution, received } = await simulate(t);
    await graph.text('+5531988880001', 'c-1');
    await graph.text('+5531988880404', 'c-2', 'sender-b');
    await evolution.text('5531988880001');
    const ids = async (query: string) => (await received(query)).map(({ id }) => id);
    t.same(await ids(''), [1, 2, 3]);
    t.same(await ids('?to=%2B55%2031%2098888-0001'), [1, 3]);
    t.same(await ids('?to=553188880001&protocol=evolution'), [3]);
    t.same(await ids('?channel=sender-b'), [2]);
    t.same(await ids('?correlator=c-2'), [2]);
    t.same(await ids('?accepted=true'), [1, 3]);
  },
);

t.test('GET /_received › pages by limit and after', async (t) => {
  const { graph, call } = await simulate(t);
  for (const _ of [1, 2, 3]) await graph.text('+5531988880001');
  t.match((await call('/_received?limit=2')).body, { data: [{ id: 1 }, { id: 2 }], total: 3, next_after: 2 });
  t.match((await call('/_received?limit=2&after=2')).body, { data: [{ id: 3 }], next_after: null });
});

t.test('GET /_received › an unknown filter: 400', async (t) => {
  const { call } = await simulate(t);
  t.equal((await call('/_received?too=1')).status, 400);
});

t.test('GET /_received/count › how many arrived and how many were accepted', async (t) => {
  const { graph, call } = await simulate(t);
  for (const _ of [1, 2, 3]) await graph.text('+5531988880429');
  const { body } = await call('/_received/count?to=5531988880429');
  t.same(body, { count: 3, accepted: 1, dropped: 0 });
});

t.test('DELETE /_received › forgets, and ids go on', async (t) => {
  const { graph, call, received } = await simulate(t);
  await graph.text('+5531988880001');
  t.equal((await call('/_received', { method: 'DELETE' })).status, 204);
  t.same(await received(), []);
  await graph.text('+5531988880001');
  t.match(await received(), [{ id: 2 }]);
});

t.test('beyond the limit › the oldest are dropped, and the answer says how many', async (t) => {
  const { graph, call } = await simulate(t, { max_received: 3 });
  for (const _ of [1, 2, 3, 4, 5]) await graph.text('+5531988880001');
  const { body } = await call('/_received');
  t.match(body, { data: [{ id: 3 }, { id: 4 }, { id: 5 }], total: 3, dropped: 2 });
});

t.test('a state file › is read back by the next simulator, without a torn last line', async (t) => {
  const state_file = join(t.testdir(), 'received.jsonl');
  const first = await simulate(t, { state_file });
  await first.graph.text('+5531988880498').catch(() => undefined);
  await first.graph.text('+5531988880001', 'c-2');
  const before = await first.received();
  await first.close();
  await appendFile(state_file, '{"id":3,"to":');
  const second = await simulate(t, { state_file });
  t.same(await second.received(), before);
  await second.graph.text('+5531988880001');
  t.same(
    (await second.received()).map(({ id }) => id),
    [1, 2, 3],
  );
});

t.test('a state file › holds an entry before its answer has come, and does not grow for ever', async (t) => {
  const state_file = join(t.testdir(), 'received.jsonl');
  const { graph, call, received } = await simulate(t, { state_file, max_received: 2 });
  const lines = async () => (await readFile(state_file, 'utf8')).trim().split('\n').length;
  for (const _ of [1, 2, 3, 4, 5, 6, 7]) {
    await graph.text('+5531988880001');
    t.ok((await lines()) <= 4);
  }
  t.match(await received(), [{ id: 6 }, { id: 7 }]);
  await call('/_received', { method: 'DELETE' });
  t.equal(await readFile(state_file, 'utf8'), '');
});

t.test('latency_ms › every message is answered later', async (t) => {
  const { graph } = await simulate(t, { latency_ms: 150 });
  const started_at = performance.now();
  t.equal((await graph.text('+5531988880001')).status, 200);
  t.ok(performance.now() - started_at >= 149);
});

t.test('latency_ms › a message is recorded on arrival, before the wait', async (t) => {
  const { graph, received, close } = await simulate(t, { latency_ms: 60_000 });
  const answer = t.rejects(graph.text('+5531988880001'));
  for (;;) if ((await received()).length === 1) break;
  t.match(await received(), [{ accepted: true }]);
  await close();
  await answer;
});

t.test('close › cuts callers that still wait', async (t) => {
  const { graph, received, close } = await simulate(t, { silence_ms: 60_000 });
  const answer = t.rejects(graph.text('+5531988880000'));
  for (;;) if ((await received()).length === 1) break;
  await close();
  await answer;
});

t.test('a caller that hangs up › is recorded, and the simulator goes on', async (t) => {
  const { call, graph, received } = await simulate(t, { silence_ms: 60_000 });
  const hang_up = new AbortController();
  const headers = { authorization: 'Bearer simulator-token', 'content-type': 'application/json' };
  const body = JSON.stringify({
    messaging_product: 'whatsapp',
    to: '+5531988880000',
    type: 'text',
    text: { body: 'a' },
  });
  const answer = t.rejects(call('/graph/v25.0/1/messages', { method: 'POST', headers, body, signal: hang_up.signal }));
  for (;;) if ((await received()).length === 1) break;
  hang_up.abort();
  await answer;
  t.equal((await graph.text('+5531988880001')).status, 200);
});
