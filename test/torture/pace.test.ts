import t from 'tap';
import { createApp } from '../../src/app.ts';
import { connect } from '../../src/db/connection.ts';
import { recipient_pace_ms } from '../../src/lanes/pace.ts';
import { busiestSecond, checkPace } from '../../torture/check-pace.ts';
import { createSenders, fillQueue, untilArrived } from '../../torture/pace-run.ts';
import { startService } from '../support/service.ts';

t.test('the judge sees what is too fast, wherever the second begins', async (t) => {
  t.equal(busiestSecond([0, 10, 998, 1_000, 1_001, 2_500]), 4);
  t.equal(busiestSecond([0, 999, 1_998]), 1, 'whole milliseconds: 999 may be a second');
  const arrivals = [0, 400, 900, 5_000].map((at, id) => ({
    id,
    channel: 'a',
    to: `${id % 2}`,
    received_at: new Date(at).toISOString(),
  }));
  const [second, pair] = checkPace(arrivals, { limits: new Map([['a', 2]]), recipient_pace_ms: 6_000 });
  t.match([second?.broken.length, pair?.broken.length], [1, 2]);
});

/** A busy machine may take seconds for what is no matter of pace. */
const patient = { CONVERSAR_SEND_TIMEOUT_MS: '15000', CONVERSAR_LEASE_MS: '40000' };

t.test('two processes over 3 and over 20 senders keep to every pace, as the provider saw it', async (t) => {
  const service = await startService(t, { with_lanes: false, env: patient });
  await service.server.listen({ host: '127.0.0.1', port: 0 });
  const place = {
    url: service.server.listeningOrigin,
    admin_token: service.config.admin_token ?? '',
    simulator_url: service.simulator.url,
    db: service.db,
  };
  const [few, many] = [await createSenders(place, 3, 30), await createSenders(place, 20, 2)];
  await fillQueue(service.db, few, 270);
  await fillQueue(service.db, many, 180);
  const db = connect(service.settings, { pool_max: 8, application_name: 'conversar other', log: service.ground.log });
  const other = await createApp({ ...service.ground, db });
  t.teardown(async () => {
    await other.close();
    await db.destroy();
  });
  service.startLanes();
  other.startLanes();
  const arrived = await Promise.all([
    untilArrived(place.simulator_url, few, 270),
    untilArrived(place.simulator_url, many, 180),
  ]);
  const limits = new Map([
    ...[...few.channels.keys()].map((name) => [name, 30] as const),
    ...[...many.channels.keys()].map((name) => [name, 2] as const),
  ]);
  const findings = checkPace(arrived.flat(), { limits, recipient_pace_ms });
  t.same(
    findings.map(({ checked }) => checked > 10),
    [true, true],
  );
  t.same(
    findings.flatMap(({ broken }) => broken),
    [],
  );
});
