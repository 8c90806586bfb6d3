import t from 'tap';
import { readExposition, readSample } from '../support/exposition.ts';
import { startService } from '../support/service.ts';

const token = 'metrics-token-of-the-tests';

t.test('/metrics', async (t) => {
  t.test('needs no API key, and says in what form it speaks', async (t) => {
    const service = await startService(t, { with_lanes: false });
    const answer = await service.send(null, 'GET', '/metrics');
    t.match(answer, { status: 200, headers: { 'content-type': /^text\/plain; version=0\.0\.4/ } });
    t.ok(readExposition(answer.text).length > 50);
  });

  t.test('with CONVERSAR_METRICS_TOKEN is for who presents it', async (t) => {
    const pool = { CONVERSAR_POOL_MAX: '2', CONVERSAR_MAX_POOL_QUEUE: '1' };
    const service = await startService(t, {
      with_lanes: false,
      over_http: true,
      env: { ...pool, CONVERSAR_METRICS_TOKEN: token },
    });
    const ask = (authorization?: string) =>
      service.send(null, 'GET', '/metrics', undefined, authorization === undefined ? {} : { authorization });
    for (const wrong of [undefined, `Bearer ${token}x`, 'Bearer ', token, 'Basic x']) {
      const answer = await ask(wrong);
      t.match(answer, { status: 401, headers: { 'www-authenticate': /^Bearer/ }, body: { code: 'unauthorized' } });
    }
    t.equal((await ask(`Bearer ${token}`)).status, 200);

    t.test('and is answered while the service sheds load, which it counts', async (t) => {
      const client = await service.createClient();
      const busy = await Promise.all([service.db.transaction(), service.db.transaction()]);
      const queued = [1, 2].map(() => service.db.raw('select 1').then(() => true));
      t.match(await client.get('/v1/teams'), { status: 503 });
      const { status, text } = await ask(`bearer ${token}`);
      await Promise.all(busy.map((one) => one.rollback()));
      await Promise.all(queued);
      t.equal(status, 200);
      const samples = readExposition(text);
      t.equal(readSample(samples, 'conversar_refusals_total', { code: 'overloaded' }), 1);
      t.equal(readSample(samples, 'conversar_pool_connections', { state: 'used' }), 2);
      t.ok((readSample(samples, 'conversar_pool_connections', { state: 'pending' }) ?? 0) >= 2);
    });
  });
});
