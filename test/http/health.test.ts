import t from 'tap';
import { startService } from '../support/service.ts';

t.test('health is told without a key', async (t) => {
  const service = await startService(t, { with_lanes: false, env: { CONVERSAR_POOL_MAX: '2' } });
  const ask = (url: string) => service.send(null, 'GET', url);

  t.test('while all is well: 200 ok, both', async (t) => {
    t.match(await ask('/health/live'), { status: 200, body: { status: 'ok' } });
    t.match(await ask('/health/ready'), { status: 200, body: { status: 'ok' } });
  });
  t.test('while the database does not answer: live, and not ready', async (t) => {
    const held = [await service.db.transaction(), await service.db.transaction()];
    const [live, ready] = [await ask('/health/live'), await ask('/health/ready')];
    await Promise.all(held.map((one) => one.rollback()));
    t.match(live, { status: 200, body: { status: 'ok' } });
    t.match(ready, { status: 503, body: { status: 'unavailable' } });
  });
  t.test('and ready again as soon as it does', async (t) => {
    t.match(await ask('/health/ready'), { status: 200 });
  });
});
