import t from 'tap';
import { readPreferWait } from '../../src/http/prefer-wait.ts';
import { startService } from '../support/service.ts';

t.test('Prefer is read as RFC 7240 writes it, and what cannot be read is no error', async (t) => {
  const headers: [string | undefined, number | null][] = [
    [undefined, null],
    ['', null],
    ['wait=10', 10],
    ['wait=1', 1],
    ['wait=25', 25],
    ['wait=26', 25],
    ['wait=999999', 25],
    ['wait=99999999', null],
    ['wait=0', null],
    ['wait=-1', null],
    ['wait=1.5', null],
    ['wait=ten', null],
    ['wait=', null],
    ['wait', null],
    ['await=10', null],
    ['Wait = 10', 10],
    ['wait="10"', 10],
    ['respond-async, wait=10', 10],
    ['wait=10; foo=bar, return=minimal', 10],
    ['return=minimal', null],
  ];
  for (const [prefer, seconds] of headers) {
    t.equal(readPreferWait({ headers: { prefer } }), seconds, String(prefer));
  }
});

t.test('POST /v1/attendances with Prefer: wait=N', async (t) => {
  // Patient enough for the simulator's slow number, which takes 3 s.
  const env = { CONVERSAR_SEND_TIMEOUT_MS: '20000', CONVERSAR_LEASE_MS: '30000' };
  const service = await startService(t, { env });
  const company = await service.createCompany();
  const start = (phone: string, prefer: string) => company.start({ contact: { phone } }, { prefer });

  t.test('answers when the provider has taken the message', async (t) => {
    const reply = await start('31988880001', 'wait=20');
    t.match(reply, { status: 201, headers: { 'preference-applied': 'wait=20' } });
    t.match(reply.body, { status: 'open', first_message: { status: 'accepted' } });
  });
  t.test('answers when the provider has refused it', async (t) => {
    const { body } = await start('31988880404', 'wait=20');
    t.match(body, { status: 'failed', first_message: { status: 'failed' } });
  });
  t.test('answers when nobody can tell', async (t) => {
    const { body } = await start('31988880499', 'wait=20');
    t.match(body, { status: 'starting', first_message: { status: 'unknown' } });
  });
  t.test('waits for a provider that is slow', async (t) => {
    const { body } = await start('31988880408', 'wait=20');
    t.match(body, { status: 'open', first_message: { status: 'accepted' } });
  });
  t.test('but no longer than said: what is on its way is shown as it is', async (t) => {
    const { status, body } = await start('31988890000', 'wait=1');
    t.equal(status, 201);
    t.match(body, { status: 'starting', first_message: { status: /^(queued|sending)$/ } });
  });
  t.test('more than 25 seconds are 25', async (t) => {
    const { headers } = await start('31988880002', 'wait=99');
    t.equal(headers['preference-applied'], 'wait=25');
  });
  t.test('without a message there is nothing to wait for', async (t) => {
    const body = { contact: { phone: '31988880003' }, channel_id: company.unofficial_id };
    const reply = await company.start(body, { prefer: 'wait=25' });
    t.match(reply, { status: 201, body: { status: 'open', first_message: null } });
  });
});

t.test('POST /v1/attendances while nothing is dispatched', async (t) => {
  const service = await startService(t, { with_lanes: false });
  const company = await service.createCompany();
  const start = (phone: string, headers: Record<string, string>) => company.start({ contact: { phone } }, headers);
  const queued = { status: 201, body: { status: 'starting', first_message: { status: 'queued' } } };

  t.test('wait=1 answers after a second with what is there', async (t) => {
    const started_at = performance.now();
    const reply = await start('31988880001', { prefer: 'wait=1' });
    t.ok(performance.now() - started_at >= 990);
    t.match(reply, { ...queued, headers: { 'preference-applied': 'wait=1' } });
  });
  for (const [place, prefer] of ['wait=0', 'wait=soon', 'respond-async', ''].entries()) {
    t.test(`"${prefer}" is answered at once, without Preference-Applied`, async (t) => {
      const reply = await start(`3198888010${place}`, { prefer });
      t.match(reply, queued);
      t.notOk('preference-applied' in reply.headers);
    });
  }
});
