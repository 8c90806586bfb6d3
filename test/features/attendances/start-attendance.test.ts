import t from 'tap';
import { startService } from '../../support/service.ts';

t.test('POST /v1/attendances', async (t) => {
  const service = await startService(t);
  const company = await service.createCompany();

  t.test('on an official channel with a template: 201, and the message is accepted', async (t) => {
    const { status, body, headers } = await company.start({}, { prefer: 'wait=10' });
    t.equal(status, 201);
    t.equal(headers['preference-applied'], 'wait=10');
    t.equal(headers.location, `/v1/attendances/${body.id}`);
    t.match(body, { status: 'open', origin: 'active', first_message: { type: 'template', status: 'accepted', error: null } });
    const received = await service.received();
    t.equal(received.length, 1);
  });
});
