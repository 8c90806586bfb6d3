import t from 'tap';
import { v7 as uuid } from 'uuid';
import { toProviderCall } from '../../../src/features/channels/provider-call.ts';
import { createVault } from '../../../src/seal.ts';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { captureLog } from '../../support/log.ts';
import { type Body, startService } from '../../support/service.ts';

const { log, text: logged } = captureLog();
const service = await startService(t, { log });
const company = await service.createCompany();
const official = (members: Body = {}) => ({
  name: `Oficial ${uuid()}`,
  provider: 'whatsapp_cloud',
  base_url: `${service.simulator.url}/graph`,
  credentials: demo_values.graph,
  ...members,
});

t.test('credentials', async (t) => {
  const secrets = { access_token: 'EAAsecret-token-of-the-test', app_secret: 'secret-of-the-app-7c21' };
  const credentials = { ...demo_values.graph, ...secrets };
  const created = await company.post('/v1/channels', official({ credentials }));
  const row = await service.db('channels').where({ id: created.body.id }).first();
  const vaultOf = async (account_id: string) => {
    const { data_key } = await service.db('accounts').where({ id: account_id }).first('data_key');
    return service.vaults.open(account_id, data_key);
  };
  const scope = { vault: await vaultOf(company.account_id), signal: service.ctx.signal };

  t.test('are in no answer, of whatever asks for the channel', async (t) => {
    const id = created.body.id;
    const answers = [
      created,
      await company.get(`/v1/channels/${id}`),
      await company.get('/v1/channels?limit=100'),
      await company.post(`/v1/channels/${id}/check`),
      await company.post(`/v1/channels/${id}/templates/sync`),
      await company.post('/v1/channels', official({ name: created.body.name, credentials })),
      await company.post('/v1/channels', official({ credentials: { ...credentials, x: 1 } })),
      await company.start({ channel_id: id, contact: { phone: '31988880001' } }),
    ];
    for (const { text } of answers) for (const secret of Object.values(secrets)) t.notMatch(text, secret);
  });
  t.test('are sealed in the database, and nowhere else in it', async (t) => {
    for (const secret of Object.values(secrets)) t.notOk(row.credentials.includes(secret));
    const { rows } = await service.db.raw<{ rows: { found: string }[] }>(
      `select c::text as found from channels c union all select e::text from events e union all select k::text from idempotency_keys k`,
    );
    for (const { found } of rows) for (const secret of Object.values(secrets)) t.notMatch(found, secret);
  });
  t.test('open for their own channel and account', async (t) => {
    t.same(toProviderCall(scope, service.outside, row).call.credentials, credentials);
  });
  t.test('do not open when the blob stands in another channel', async (t) => {
    const other = await service.db('channels').where({ id: company.official_id }).first();
    t.throws(() => toProviderCall(scope, service.outside, { ...other, credentials: row.credentials }));
  });
  t.test('do not open in another account, even under its data key', async (t) => {
    const other = await service.createCompany();
    const foreign = { vault: await vaultOf(other.account_id), signal: service.ctx.signal };
    t.throws(() => toProviderCall(foreign, service.outside, row));
    const one_key = Buffer.alloc(32, 1);
    const sealed = createVault(one_key, company.account_id).seal(Buffer.from('x'), 'b');
    t.throws(() => createVault(one_key, other.account_id).unseal(sealed, 'b'));
  });

  t.test('are in no line of the log, nor are keys, names, texts and whole numbers', async (t) => {
    const waiting = { prefer: 'wait=20' };
    const contact = { phone: '31988887777', name: 'Ana Sigilosa' };
    await company.start({ contact }, { ...waiting, 'idempotency-key': uuid() });
    const text = 'Um texto sigiloso';
    await company.start({ contact, channel_id: company.unofficial_id, text }, waiting);
    await company.start({ contact: { ...contact, phone: '31988870190' } }, waiting);
    await service.db.raw(`
      create function fail() returns trigger language plpgsql as $$ begin raise exception 'planted'; end $$;
      create trigger planted before insert on messages for each row execute function fail()`);
    const failed = await company.start({
      contact: { ...contact, phone: '31988876666' },
      channel_id: company.unofficial_id,
      text,
    });
    t.equal(failed.status, 500);
    for (const said of ['http.failed', 'message.dispatched']) t.ok(logged().includes(said), said);
    const private_words = [
      ...Object.values(secrets),
      demo_values.graph.access_token,
      demo_values.graph.app_secret,
      demo_values.evolution.api_key,
      company.key,
      company.key.slice(37, 80),
      service.config.admin_token ?? '-',
      'Sigilosa',
      text,
      '88887777',
      '88870190',
      '88876666',
    ];
    for (const word of private_words) t.notOk(logged().includes(word), word);
  });
});
