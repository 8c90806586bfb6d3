import { randomBytes } from 'node:crypto';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import type { Vault } from '../../../src/context.ts';
import { createAccount } from '../../../src/features/accounts/create-account.ts';
import { sweepMessages } from '../../../src/features/attendances/sweep-messages.ts';
import { createCorrelator } from '../../../src/features/messages/correlator.ts';
import { deriveMessageId } from '../../../src/providers/whatsapp-web.ts';
import { createKeyRing } from '../../../src/seal.ts';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { addChannel } from '../../support/add-channel.ts';
import { captureLog } from '../../support/log.ts';
import { queueMessages } from '../../support/queue.ts';
import { answerJson, startScriptedServer } from '../../support/scripted-server.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t);
const { db } = service;
const company = await service.createCompany();
const template = { name: 'boas_vindas', language: 'pt_BR' };
const phoneOf = (digits: string) => `(31) 98888-${digits}`;
const messageOf = async (id: string): Promise<Body> => (await company.get(`/v1/messages/${id}`)).body;
const attendanceOf = async (id: string): Promise<Body> => (await company.get(`/v1/attendances/${id}`)).body;

t.test('a number is asked about once; a second start goes to the address that was given', async (t) => {
  const gateway = await startScriptedServer();
  t.teardown(() => gateway.close());
  const jid = '553188880777@s.whatsapp.net';
  gateway.script(
    answerJson(200, [{ exists: true, jid, number: '5531988880777' }]),
    answerJson(201, { key: { id: 'first', remoteJid: jid } }),
    answerJson(201, { key: { id: 'second', remoteJid: jid } }),
  );
  const channel_id = await addChannel(company, service.simulator.url, { base_url: gateway.origin });
  const contact = { phone: phoneOf('0777') };
  const first = await company.start({ contact, channel_id, text: 'Olá!' }, { prefer: 'wait=20' });
  t.match(first.body, { status: 'open', first_message: { status: 'accepted' } });
  const { identities } = (await company.get(`/v1/contacts/${first.body.contact.id}`)).body;
  t.match(identities, [
    { kind: 'phone', scope: 'account', value: '+5531988880777' },
    { kind: 'wa_id', scope: `channel:${channel_id}`, value: jid, source: 'evolution' },
  ]);
  await db('attempts')
    .where({ channel_id })
    .update({ finished_at: db.raw(`now() - interval '7 seconds'`) });
  const second = await company.start(
    { contact, channel_id, text: 'Ainda aí?', on_open: 'reuse' },
    { prefer: 'wait=20' },
  );
  t.equal((await messageOf(second.body.outcome.message_id)).status, 'accepted');
  t.same(
    gateway.requests.map(({ path, body }) => [path.split('/')[2], JSON.parse(body).number ?? JSON.parse(body).numbers]),
    [
      ['whatsappNumbers', ['5531988880777']],
      ['sendText', jid],
      ['sendText', jid],
    ],
  );
});

t.test('WhatsApp’s lock on new chats restricts the channel: the next start is refused', async (t) => {
  const channel_id = await addChannel(company, service.simulator.url);
  const locked = await company.start(
    { contact: { phone: phoneOf('0463') }, channel_id, text: 'Olá!' },
    { prefer: 'wait=20' },
  );
  t.match(locked.body, {
    status: 'failed',
    first_message: { status: 'failed', error: { code: 'channel_restricted_for_new_chats' } },
  });
  const next = await company.start({ contact: { phone: phoneOf('0002') }, channel_id, text: 'Olá!' });
  t.equal(next.status, 422);
  t.match(next.body, { code: 'channel_unavailable', errors: [{ pointer: '/channel_id' }] });
  const events = await db('events')
    .where({ type: 'channel.status_changed' })
    .whereRaw(`data ->> 'id' = ?`, [channel_id]);
  t.match(
    events.map(({ data, attendance_id }) => ({ data, attendance_id })),
    [{ data: { status: 'restricted', status_detail: /463/ }, attendance_id: null }],
  );
});

t.test('a failed attendance blocks nothing: the contact can be started again on the same channel', async (t) => {
  const given = { contact: { phone: phoneOf('0404') }, channel_id: company.unofficial_id, text: 'Olá!' };
  const failed = await company.start(given, { prefer: 'wait=20' });
  t.match(failed, { status: 201, body: { status: 'failed' } });
  const again = await company.start(given);
  t.match(again, { status: 201, body: { status: 'starting', contact: { id: failed.body.contact.id } } });
  t.not(again.body.id, failed.body.id);
  t.equal((await attendanceOf(failed.body.id)).status, 'failed', 'which stays readable');
});

t.test('T8: what is still queued when its time is over is failed, with its event, and is never sent', async (t) => {
  const contact = { phone: phoneOf('0430') };
  const channel_id = await addChannel(company, service.simulator.url, { provider: 'whatsapp_cloud' });
  const { body } = await company.start({ contact, channel_id, template });
  await eventually(
    () => messageOf(body.first_message.id),
    ({ status, error }) => status === 'queued' && error !== null,
  );
  await service.db('messages').where({ id: body.first_message.id }).update({ send_before: service.db.fn.now() });
  const message = await eventually(
    () => messageOf(body.first_message.id),
    (found) => found.status === 'failed',
  );
  const provider = { name: 'whatsapp_cloud', code: '130429' };
  t.match(message, { error: { code: 'not_sent_in_time', retryable: true, provider } }, 'with why it waited');
  t.same(
    message.attempts.map(({ outcome }: Body) => outcome).filter((outcome: string) => outcome !== 'unavailable'),
    [],
  );
  const { status, timeline } = await attendanceOf(body.id);
  t.equal(status, 'failed');
  t.same(timeline.map(({ type }: Body) => type).slice(1), ['message.failed', 'attendance.failed']);
});

t.test('an account whose vault does not open spoils no other account’s messages claimed with its own', async (t) => {
  const lost_ring = createKeyRing([{ kid: 'lost', key: randomBytes(32) }]);
  const other = await createAccount(service.ctx, lost_ring, { name: 'Outra' });
  const { id: channel_id } = (await company.get(`/v1/channels/${company.unofficial_id}`)).body;
  const { is_live: _, ...channel } = await db('channels').where({ id: channel_id }).first();
  const their_id = uuid();
  await db('channels').insert({ ...channel, account_id: other.id, id: their_id });
  await db.raw(
    `insert into senders
     select (jsonb_populate_record(s, jsonb_build_object('account_id', cast(? as uuid), 'channel_id', cast(? as uuid)))).*
       from senders s where channel_id = ?`,
    [other.id, their_id, channel_id],
  );
  const [ours] = await db.transaction(async (trx) => {
    await queueMessages(trx, { account_id: other.id, channel_id: their_id }, 3, { from: 7_000 });
    return queueMessages(trx, { account_id: company.account_id, channel_id }, 1, { from: 8_000 });
  });
  const message = await eventually(
    () => messageOf(ours ?? ''),
    ({ status }) => status !== 'queued' && status !== 'sending',
  );
  t.equal(message.status, 'accepted');
  t.same(await service.received('?to=5531900007001'), []);
});

t.test('a process that died under a gateway whose ids we choose leaves a doubt that is known by that id', async (t) => {
  const channel = await company.post('/v1/channels', {
    name: 'WAHA',
    provider: 'waha',
    base_url: `${service.simulator.url}/waha`,
    credentials: demo_values.waha,
  });
  const place = { account_id: company.account_id, channel_id: channel.body.id };
  const [id = ''] = await queueMessages(db, place, 1, { from: 9_100, run_in_s: 3_600 });
  const gone = { state: 'sending', attempt: 1, fence: 1, lease_until: new Date(Date.now() - 1_000) };
  await db('messages').where({ id }).update(gone);
  const message = await eventually(
    () => messageOf(id),
    ({ status }) => status === 'unknown',
  );
  const correlator = createCorrelator({ mac: () => Buffer.alloc(12) } as unknown as Vault, id, 1);
  const [, named = ''] = /^cv1\.([^.]+)/.exec(correlator) ?? [];
  t.equal(message.provider_message_id, deriveMessageId(named));
});

t.test('an attendance that somebody holds holds up the outcomes of no other account', async (t) => {
  const { log, lines } = captureLog();
  const { db, startLanes, createCompany } = await startService(t, { with_lanes: false, log });
  const [one, other] = [await createCompany(), await createCompany()];
  const start = async ({ start, unofficial_id: channel_id }: typeof one): Promise<Body> =>
    (await start({ channel_id, text: 'Olá!' })).body;
  const settled = (id: string) =>
    eventually(
      () => db('messages').where({ id, state: 'settled' }),
      ([message]) => message !== undefined,
    );
  const held = await start(one);
  const holding = await db.transaction();
  await holding.raw('set local idle_in_transaction_session_timeout = 0');
  await holding('attendances').where({ id: held.id }).forUpdate().select('id');
  startLanes();
  await eventually(
    () =>
      db.raw<{ rows: unknown[] }>(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%attendances%'`,
      ),
    ({ rows }) => rows.length > 0,
  );
  await settled((await start(other)).first_message.id);
  const putBack = () => lines().filter(({ msg }) => msg === 'lane.put_back');
  await eventually(async () => putBack().length, Boolean);
  t.same([...new Set(putBack().map(({ account_id }) => account_id))], [one.account_id]);
  t.same(await db('messages').where({ id: held.first_message.id, state: 'settled' }), [], 'it is held all the while');
  await holding.rollback();
  await settled(held.first_message.id);
  t.match(await db('attempts').where({ message_id: held.first_message.id }), [{ number: 1, outcome: 'accepted' }]);
});

t.test('nor does it hold up that what is late of another account ends', async (t) => {
  const { ctx, db, createCompany } = await startService(t, { with_lanes: false });
  const start = async () => {
    const { start, unofficial_id: channel_id } = await createCompany();
    return (await start({ channel_id, text: 'Olá!' })).body;
  };
  const [held, other] = [await start(), await start()];
  await db('messages').update({ send_before: new Date(Date.now() - 1_000) });
  const stateOf = async (id: string) => (await db('messages').where({ id }).first('status'))?.status;
  const holding = await db.transaction();
  await holding.raw('set local idle_in_transaction_session_timeout = 0');
  await holding('attendances').where({ id: held.id }).forUpdate().select('id');
  t.match(await sweepMessages(ctx, 'http://conversar.test'), { too_late: 2, changed: 1 });
  t.equal(await stateOf(other.first_message.id), 'failed');
  t.equal(await stateOf(held.first_message.id), 'queued');
  await holding.rollback();
  t.match(await sweepMessages(ctx, 'http://conversar.test'), { too_late: 1, changed: 1 });
  t.equal(await stateOf(held.first_message.id), 'failed');
});
