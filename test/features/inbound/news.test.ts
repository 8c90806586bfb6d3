import { readFile } from 'node:fs/promises';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { createInbound, newId } from '../../support/inbound.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const { write, deliver, gateway, expanded, taken, metadata } = createInbound(service, company);
const channel = async (id: string): Promise<Body> => (await company.get(`/v1/channels/${id}`)).body;
const template = async (name: string): Promise<Body> =>
  (
    await company.get(
      `/v1/templates?status=${name === 'paused' ? 'paused' : 'approved'}&language=pt_BR&search=boas_vindas`,
    )
  ).body.data[0];

t.test('a template that Meta pauses cannot start an attendance any more', async (t) => {
  t.ok(await template('approved'));
  const news = {
    event: 'PAUSED',
    message_template_id: 1_000_001,
    message_template_name: 'boas_vindas',
    message_template_language: 'pt-BR',
    reason: 'NONE',
  };
  await deliver(news, 'message_template_status_update');
  await expanded();
  t.match(await template('paused'), { name: 'boas_vindas', status: 'paused' });
  t.match(await company.start({}), { status: 422, body: { code: 'template_not_approved' } });
  const told = await service.db('events').where({ type: 'template.status_changed' });
  t.equal(told.length, 1);
  await deliver({ ...news, event: 'APPROVED' }, 'message_template_status_update');
  await expanded();
  t.match(await company.start({}), { status: 201 });
});

t.test('the quality of a template is shown as Meta tells it, and one that is red can be sent', async (t) => {
  const ids = { message_template_id: 1_000_001, message_template_name: 'boas_vindas' };
  const told = {
    ...ids,
    message_template_language: 'pt-BR',
    previous_quality_score: 'GREEN',
    new_quality_score: 'RED',
  };
  const red = await service.db('templates').where({ name: 'boas_vindas' }).select('quality');
  t.notMatch(red, [{ quality: 'red' }]);
  await deliver(told, 'message_template_quality_update');
  await expanded();
  t.match(await template('approved'), { name: 'boas_vindas', quality: 'red' });
  t.match(await company.start({ contact: { phone: '31988880303' } }), { status: 201 });
});

t.test('a template that we do not know yet makes the channel read its templates again', async () => {
  await service
    .db('channels')
    .where({ id: company.official_id })
    .update({ templates_synced_at: new Date(Date.now() - 3_600_000) });
  const before = (await channel(company.official_id)).templates_synced_at;
  await deliver(
    {
      event: 'APPROVED',
      message_template_id: 1_000_999,
      message_template_name: 'nunca_visto',
      message_template_language: 'pt_BR',
    },
    'message_template_status_update',
  );
  await expanded();
  await eventually(
    () => channel(company.official_id),
    ({ templates_synced_at }) => templates_synced_at !== before,
  );
});

t.test(
  'a send that Meta refuses for its template is tried once more after the templates were read again',
  async (t) => {
    const [known] = await service.db('templates').where({ name: 'boas_vindas', account_id: company.account_id });
    const gone = {
      ...known,
      id: uuid(),
      name: 'sumiu',
      provider_template_id: '999',
      components: JSON.stringify(known?.components),
    };
    await service.db('templates').insert(gone);
    await service
      .db('channels')
      .where({ id: company.official_id })
      .update({ templates_synced_at: new Date(Date.now() - 3_600_000) });
    const { body } = await company.start({ contact: { phone: '31988880310' }, template: { id: gone.id } });
    const message = () => company.get(`/v1/messages/${body.first_message.id}`);
    const tried = await eventually(
      message,
      // The row is read before its attempts: a claim may lie in between.
      ({ body: shown }) => shown.status === 'queued' && shown.error !== null,
    );
    t.match(tried.body, {
      status: 'queued',
      error: { code: 'template_not_found', action: 'sync_template' },
      attempts: [{ number: 1, outcome: 'unavailable' }],
    });
    await eventually(
      () => company.get(`/v1/templates/${gone.id}`),
      (reply) => reply.body.status === 'deleted',
    );
    await service.db('messages').where({ id: body.first_message.id }).update({ run_at: new Date() });
    const failed = await eventually(message, (reply) => reply.body.status === 'failed');
    t.match(failed.body, {
      error: { code: 'template_not_found' },
      attempts: [{ number: 1 }, { number: 2, outcome: 'refused' }],
    });
  },
);

t.test('a restricted account refuses starts, with the reason, and goes on to receive and answer', async (t) => {
  await deliver(
    {
      event: 'ACCOUNT_RESTRICTION',
      restriction_info: [{ restriction_type: 'RESTRICTED_BIZ_INITIATED_MESSAGING', expiration: 1_799_999_999 }],
    },
    'account_update',
  );
  await expanded();
  t.match(await channel(company.official_id), { status: 'restricted' });
  t.match(await company.start({ contact: { phone: '31988880301' } }), {
    status: 422,
    body: { code: 'channel_unavailable' },
  });
  await write('553188880302');
  await expanded();
  const { body } = await company.get('/v1/attendances?origin=receptive&limit=1');
  const answered = await company.post(
    `/v1/attendances/${body.data[0].id}/messages`,
    { text: 'Oi!' },
    { prefer: 'wait=20' },
  );
  t.match(answered.body, { status: 'accepted' });
  t.match((await company.post(`/v1/channels/${company.official_id}/check`)).body, { status: 'connected' });
});

t.test("a gateway's connection drives the status of its channel", async (t) => {
  const tell = async (state: string, statusReason: number) => {
    await gateway('connection.update', { instance: 'demo', state, statusReason });
    await expanded();
    return (await channel(company.unofficial_id)).status;
  };
  t.equal(await tell('open', 200), 'connected');
  t.equal(await tell('close', 401), 'disconnected');
  const [told] = await service
    .db('events')
    .where({ account_id: company.account_id, type: 'channel.status_changed' })
    .orderBy('id', 'desc')
    .select('data');
  const { webhook } = (await company.get(`/v1/channels/${company.unofficial_id}`)).body;
  t.match(told?.data, { id: company.unofficial_id, webhook: { url: webhook.url, verify_token: '', headers: {} } });
  t.notOk(JSON.stringify(told).includes(webhook.verify_token), 'who hears of it cannot speak as the gateway');
  await service
    .db('events')
    .where({ type: 'channel.status_changed' })
    .update({
      data: JSON.stringify({ ...told?.data, webhook: { ...webhook, url: `${webhook.url}/${webhook.verify_token}` } }),
    });
  await service.db.raw(await readFile(new URL('../../../migrations/0027_alter_events.sql', import.meta.url), 'utf8'));
  const [mended] = await service.db('events').where({ type: 'channel.status_changed' }).select('data');
  t.same(mended?.data, told?.data, 'and what was told before is told like this from now on');
  t.match(await company.start({ channel_id: company.unofficial_id, contact: { phone: '31988880303' } }), {
    status: 422,
    body: { code: 'channel_unavailable' },
  });
  t.equal(await tell('open', 200), 'connected');
  await service.db('channels').where({ id: company.unofficial_id }).update({ status: 'restricted' });
  t.equal(await tell('open', 200), 'restricted', 'a connection lifts no restriction');
  t.equal(await tell('close', 401), 'restricted', 'nor does one that is lost');
  t.equal(await tell('open', 200), 'restricted', 'and found again');
  t.match(await company.post(`/v1/channels/${company.unofficial_id}/check`), { body: { status: 'connected' } });
});

t.test(
  'one poisoned item holds up no other; after 5 tries it is kept aside, with its reason, and can be retried',
  async (t) => {
    await service.db.raw(`create function refuse_poison() returns trigger language plpgsql as
    $$ begin if new.text = 'poison' then raise exception 'poisoned'; end if; return new; end $$`);
    await service.db.raw(
      'create trigger poison before insert on messages for each row execute function refuse_poison()',
    );
    const message = (from: string, body: string) => ({
      from,
      id: newId(),
      timestamp: '1790000000',
      type: 'text',
      text: { body },
    });
    await deliver({
      metadata,
      contacts: [],
      messages: [
        message('553188880304', 'antes'),
        message('553188880305', 'poison'),
        message('553188880306', 'depois'),
      ],
    });
    await taken();
    const received = await service.db('messages').whereIn('text', ['antes', 'depois']).select('text');
    t.equal(received.length, 2);
    await service.db('inbound_items').update({ tries: 4, run_at: service.db.fn.now() });
    const [kept] = await eventually(
      () => service.db('inbound_items').select('*'),
      ([item]) => item?.state === 'quarantined',
    );
    t.match(kept, { kind: 'message', tries: 5, reason: /poisoned/ });
    t.notOk(kept?.event.includes('poison'), 'sealed');
    await service.db.raw('drop trigger poison on messages');
    const { retryQuarantined, listQuarantined } = await import(
      '../../../src/features/inbound/quarantine.repository.ts'
    );
    t.match(await listQuarantined(service, 10), [{ kind: 'message', reason: /poisoned/ }]);
    t.equal(await retryQuarantined(service, null), 1);
    await expanded();
    t.equal((await service.db('messages').where({ text: 'poison' })).length, 1);
  },
);

t.test('a body that is no JSON is kept aside; NUL and half surrogates in a text are replaced', async (t) => {
  const { signatureOf } = await import('../../support/inbound.ts');
  await service.send(null, 'POST', `/v1/inbound/${company.official_id}`, '{"entry":', {
    'x-hub-signature-256': signatureOf('{"entry":'),
  });
  await expanded();
  t.match(await service.db('inbound_bodies').select('state', 'reason'), [
    { state: 'quarantined', reason: 'the body is no JSON' },
  ]);
  await write('553188880307', { text: 'a\u0000b\ud83d' });
  await expanded();
  const [row] = await service.db('messages').where({ text: 'a\ufffdb\ufffd' });
  t.ok(row);
});
