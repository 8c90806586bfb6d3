import t from 'tap';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { type Body, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const add = (name: string, credentials: Body) =>
  company.post('/v1/channels', {
    name,
    provider: 'whatsapp_cloud',
    credentials: { ...demo_values.graph, ...credentials },
  });
const tokenOf = async (id: string): Promise<string> =>
  (await company.get(`/v1/channels/${id}`)).body.webhook.verify_token;

t.test('the verify token › one that Meta knows already is the one that is shown', async (t) => {
  const { status, body } = await add('Com token', { verify_token: 'known-to-meta-1' });
  t.same([status, body.webhook.verify_token], [201, 'known-to-meta-1']);
});

t.test('the verify token › is made up when left out, and another secret leaves it', async (t) => {
  const { body } = await add('Sem token', {});
  const { verify_token } = body.webhook;
  t.match(verify_token, /^[\w-]{32}$/);
  const credentials = { ...demo_values.graph, app_secret: 'the-new-secret', previous_app_secret: 'the-old-secret' };
  const change = await company.call('PATCH', `/v1/channels/${body.id}`, { credentials });
  t.same([change.status, change.body.webhook.verify_token], [200, verify_token]);
  t.notOk(change.text.includes('-secret'), 'secrets go in and never come out');
});

t.test('the verify token › is changed with the credentials', async (t) => {
  const { body } = await add('Outro token', { verify_token: 'known-to-meta-2' });
  const credentials = { ...demo_values.graph, verify_token: 'known-to-meta-3' };
  await company.call('PATCH', `/v1/channels/${body.id}`, { credentials });
  t.equal(await tokenOf(body.id), 'known-to-meta-3');
});

t.test('the verify token › of fewer than 8 characters: 400, and nothing is saved', async (t) => {
  const { status, body } = await add('Token curto', { verify_token: 'short' });
  t.equal(status, 400);
  t.match(body.errors, [{ pointer: '/credentials/verify_token' }]);
  t.same(await service.db('channels').where({ name: 'Token curto' }), []);
});
