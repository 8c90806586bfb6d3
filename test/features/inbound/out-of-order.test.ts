import t from 'tap';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { createInbound, newId, onTheWire, signatureOf } from '../../support/inbound.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

/** Providers repeat for days and keep no order: the last word counts, and not the last to arrive. */
const service = await startService(t);
const company = await service.createCompany();
const { write, deliver, expanded, metadata } = createInbound(service, company);
const { db } = service;
const now_s = Math.floor(Date.now() / 1000);

t.test('stop and resume of marketing messages', async (t) => {
  const wa_id = '553188881101';
  await write(wa_id);
  const prefer = async (value: string, at: number) => {
    const preference = { wa_id, category: 'marketing_messages', detail: value, value, timestamp: now_s + at };
    await deliver(
      { messaging_product: 'whatsapp', metadata, contacts: [], user_preferences: [preference] },
      'user_preferences',
    );
    await expanded();
    const { body } = await company.get('/v1/contacts/lookup?phone=31988881101');
    return body.contacts[0].marketing_opted_out_at;
  };
  const stopped_at = new Date((now_s + 300) * 1000).toISOString();
  t.ok(await prefer('stop', 100));
  t.equal(await prefer('resume', 200), null);
  t.equal(await prefer('stop', 300), stopped_at);
  t.equal(await prefer('resume', 200), stopped_at, 'a repeat of what was overruled');
  t.equal(await prefer('resume', 400), null);
  t.equal(await prefer('stop', 300), null, 'and the other way round');
  const told = await db('events').whereIn('type', ['contact.opted_out', 'contact.opted_in']).orderBy('id');
  t.same(
    told.map(({ type }) => type.replace('contact.opted_', '')),
    ['out', 'in', 'out', 'in'],
  );
});

t.test('edits and a withdrawal of a message', async (t) => {
  const from = '553188881102';
  const change = (kind: 'edit' | 'revoke', original_message_id: string, at: number, body = '') => ({
    ...{ from, id: newId(), timestamp: String(now_s + at), type: kind },
    [kind]: { original_message_id, ...(kind === 'edit' ? { message: { type: 'text', text: { body } } } : {}) },
  });
  const tell = async (message: Body) => {
    await deliver({ messaging_product: 'whatsapp', metadata, contacts: [], messages: [message] });
    await expanded();
  };
  const textOf = async (id: string) => (await db('messages').where({ provider_message_id: id }).first('text'))?.text;
  const id = newId();
  await write(from, { id, text: 'um', at: now_s });
  await expanded();
  await tell(change('edit', id, 20, 'três'));
  t.equal(await textOf(id), 'três');
  await tell(change('edit', id, 10, 'dois'));
  t.equal(await textOf(id), 'três', 'an older edit');
  await tell(change('revoke', id, 30));
  t.equal(await textOf(id), null);
  await tell(change('edit', id, 20, 'três'));
  t.equal(await textOf(id), null, 'an edit, repeated after the withdrawal');

  const early = newId();
  await deliver({ metadata, contacts: [], messages: [change('edit', early, 10, 'editada')] });
  await eventually(
    () => db('inbound_items').select('kind'),
    ([item]) => item?.kind === 'edit',
  );
  await write(from, { id: early, text: 'antes', at: now_s });
  await expanded();
  t.equal(await textOf(early), 'editada', 'one that was faster than its message');
});

t.test('news of a template', async (t) => {
  const status = async () =>
    (
      await db('templates')
        .where({ channel_id: company.official_id, name: 'boas_vindas', language: 'pt_BR' })
        .first('status')
    )?.status;
  const tell = async (event: string, at: number) => {
    const template = { message_template_id: 1_000_001, message_template_name: 'boas_vindas' };
    const value = { event, ...template, message_template_language: 'pt-BR', reason: 'NONE' };
    const changes = [{ field: 'message_template_status_update', value }];
    const body = onTheWire({
      object: 'whatsapp_business_account',
      entry: [{ id: demo_values.graph.waba_id, time: now_s + at, changes }],
    });
    const headers = { 'content-type': 'application/json', 'x-hub-signature-256': signatureOf(body) };
    t.match(await service.send(null, 'POST', `/v1/inbound/${company.official_id}`, body, headers), { status: 200 });
    await expanded();
    return status();
  };
  // Read again at once, what is late would hide what the listing says.
  await db('channels').where({ id: company.official_id }).update({ templates_synced_at: new Date() });
  t.equal(await tell('PAUSED', 1_000), 'paused');
  t.equal(await tell('REINSTATED', 2_000), 'approved');
  t.equal(await tell('PAUSED', 1_000), 'approved', 'a repeat of what was overruled');
  const { sync_due_at } = (await db('channels').where({ id: company.official_id }).first('sync_due_at')) ?? {};
  t.ok(sync_due_at, 'and the templates are read again: one of the two was late, and nobody knows which');
});

t.test(
  'news of a template that say what was known are news all the same: older ones that come later are late',
  async (t) => {
    const where = { channel_id: company.official_id, name: 'boas_vindas', language: 'pt_BR' };
    const tell = async (event: string, at: number) => {
      const template = { message_template_id: 1_000_001, message_template_name: 'boas_vindas' };
      const value = { event, ...template, message_template_language: 'pt-BR', reason: 'NONE' };
      const entry = {
        id: demo_values.graph.waba_id,
        time: now_s + at,
        changes: [{ field: 'message_template_status_update', value }],
      };
      const body = onTheWire({ object: 'whatsapp_business_account', entry: [entry] });
      const headers = { 'content-type': 'application/json', 'x-hub-signature-256': signatureOf(body) };
      await service.send(null, 'POST', `/v1/inbound/${company.official_id}`, body, headers);
      await expanded();
      return (await db('templates').where(where).first('status'))?.status;
    };
    await db('channels')
      .where({ id: company.official_id })
      .update({ templates_synced_at: new Date(), sync_due_at: null });
    await db('templates')
      .where(where)
      .update({ status: 'approved', synced_at: new Date(now_s * 1_000) });
    t.equal(await tell('REINSTATED', 5_000), 'approved');
    t.equal(await tell('PAUSED', 4_000), 'approved');
    // A listing that says what is known writes nothing on the template, and has seen what came before it.
    await db('channels')
      .where({ id: company.official_id })
      .update({ templates_synced_at: new Date((now_s + 7_000) * 1_000) });
    t.equal(await tell('PAUSED', 6_000), 'approved');
    t.equal(await tell('PAUSED', 8_000), 'paused');
  },
);
