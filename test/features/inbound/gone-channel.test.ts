import { randomBytes } from 'node:crypto';
import t from 'tap';
import { createInbound } from '../../support/inbound.ts';
import { captureLog } from '../../support/log.ts';
import { eventually, startService } from '../../support/service.ts';

t.test('what waits when its channel is deleted is dropped, and alarms nobody', async (t) => {
  const { log, lines } = captureLog();
  const service = await startService(t, { with_lanes: false, log });
  const { db } = service;
  const company = await service.createCompany();
  const { write, expanded } = createInbound(service, company);
  const { account_id, official_id: channel_id } = company;

  // An attendance tells of it, so that it is archived and its rows stay.
  const started = await company.start({});
  await company.post(`/v1/attendances/${started.body.id}/close`);
  t.match(await write('553188880801'), { status: 200 });
  t.match(await write('553188880802'), { status: 200 });
  await db('inbound_items').insert({
    ...{ account_id, body_id: started.body.id, place: 0, channel_id, kind: 'message', reason: 'of the test' },
    ...{ event: randomBytes(64), tries: 1, run_at: db.fn.now(), received_at: db.fn.now() },
  } as never);
  t.match(await company.call('DELETE', `/v1/channels/${channel_id}`), { status: 204 });
  t.equal((await db('inbound_bodies')).length, 2, 'they do not go with an archived channel');

  service.startLanes();
  await expanded();
  t.same(await db('inbound_bodies').select('state'), []);
  t.same(await db('inbound_items').select('state'), []);
  const countDropped = async () =>
    lines().reduce((sum, { msg, dropped }) => sum + (msg === 'inbound.dropped' ? Number(dropped) : 0), 0);
  t.equal(await eventually(countDropped, (dropped) => dropped >= 3), 3);
  t.same(
    lines().filter(({ level }) => Number(level) >= 40),
    [],
    'no warning, no error',
  );
  const people = await company.get('/v1/contacts?search=88880801');
  t.same(people.body.data, [], 'and nobody is made of it');
});
