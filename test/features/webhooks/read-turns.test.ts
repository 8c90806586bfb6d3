import t from 'tap';
import { readEvents } from '../../../src/features/webhooks/calls.repository.ts';
import { eventually, startService } from '../../support/service.ts';

t.test('endpoints that hear of nothing keep no other from being read', async (t) => {
  const service = await startService(t, { with_lanes: false });
  const { db } = service;
  const [crowd, other] = [await service.createClient(), await service.createClient()];
  const post = async (client: typeof crowd, url: string, body: Record<string, unknown>) => {
    const answer = await client.post(url, body);
    if (answer.status !== 201) throw new Error(answer.text);
    return answer.body;
  };
  const listen = (client: typeof crowd, events: string[]) =>
    post(client, '/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/crm', events });
  // More of them than are read at once, of one account in which something always happens.
  for (let made = 0; made < 101; made += 1) await listen(crowd, ['contact.erased']);
  const { id } = await listen(other, ['contact.created']);
  await db('webhook_endpoints').where({ id }).update({ claimed_at: db.fn.now() });
  await post(other, '/v1/contacts', { phone: '31988880901' });
  let people = 0;
  const read = async () => {
    people += 1;
    await post(crowd, '/v1/contacts', { phone: `319${80_600_000 + people}` });
    return readEvents(service.ctx);
  };
  // A transaction anywhere on the server hides what is newer.
  await eventually(read, (has_more) => has_more);
  await eventually(
    async () => {
      await read();
      return db('webhook_deliveries').where({ endpoint_id: id });
    },
    (deliveries) => deliveries.length === 1,
  );
});
