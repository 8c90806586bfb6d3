import t from 'tap';
import { createCorrelator } from '../../../src/features/messages/correlator.ts';
import { createInbound } from '../../support/inbound.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

t.setTimeout(900_000);

const service = await startService(t);
const company = await service.createCompany();
const { report, deliver, write, gateway, taken, expanded, metadata } = createInbound(service, company);
const getMessage = async (id: string): Promise<Body> => (await company.get(`/v1/messages/${id}`)).body;
const getAttendance = async (id: string): Promise<Body> => (await company.get(`/v1/attendances/${id}`)).body;

let last = 0;
/** A started attendance whose first message was accepted. */
async function start(digits = ''): Promise<{ attendance: Body; message: Body }> {
  last += 1;
  const phone = `3197${String(last).padStart(3, '0')}${digits || '0001'}`.padEnd(11, '0');
  const { body } = await company.start({ contact: { phone } }, { prefer: 'wait=20' });
  return { attendance: body, message: await getMessage(body.first_message.id) };
}

const at_of: Record<string, number> = {
  sent: 1_790_000_001,
  delivered: 1_790_000_002,
  read: 1_790_000_003,
  failed: 1_790_000_004,
};
const undeliverable = [{ code: 131026, title: 'Message undeliverable', error_data: { details: 'undeliverable' } }];
const status = (id: string, fact: string, more: object = {}) => ({
  id,
  status: fact,
  timestamp: String(at_of[fact]),
  ...(fact === 'failed' ? { errors: undeliverable } : {}),
  ...more,
});

function permutations<T>(list: T[]): T[][] {
  if (list.length <= 1) return [list];
  return list.flatMap((one, place) =>
    permutations(list.filter((_, other) => other !== place)).map((rest) => [one, ...rest]),
  );
}

t.test('sent, delivered and read are shown, and told once each', async (t) => {
  const { attendance, message } = await start();
  for (const fact of ['sent', 'delivered', 'read']) await report(status(message.provider_message_id, fact));
  await expanded();
  const shown = await getMessage(message.id);
  t.match(shown, {
    status: 'read',
    sent_at: new Date(1_790_000_001_000).toISOString(),
    delivered_at: new Date(1_790_000_002_000).toISOString(),
    read_at: new Date(1_790_000_003_000).toISOString(),
    error: null,
    stuck: false,
  });
  t.same(
    shown.timeline.map((entry: Body) => entry.type),
    ['message.accepted', 'message.sent', 'message.delivered', 'message.read'],
  );
  t.match(await getAttendance(attendance.id), { status: 'open' });
});

t.test('all 24 orders of four facts, each with a repeat, end alike', async (t) => {
  const ends = new Set<string>();
  const orders = permutations(['sent', 'delivered', 'read', 'failed']);
  t.equal(orders.length, 24);
  for (const order of orders) {
    const { attendance, message } = await start();
    const statuses = [...order, order[0] ?? ''].map((fact) => status(message.provider_message_id, fact));
    await deliver({ metadata, statuses });
    await expanded();
    const shown = await getMessage(message.id);
    const { sent_at, delivered_at, read_at, failed_at, error } = shown;
    const told = shown.timeline.map((entry: Body) => entry.type).sort();
    const { status: attendance_status } = await getAttendance(attendance.id);
    ends.add(
      JSON.stringify({
        status: shown.status,
        sent_at,
        delivered_at,
        read_at,
        failed_at,
        error,
        told,
        attendance_status,
      }),
    );
  }
  t.equal(ends.size, 1, [...ends].join('\n'));
});

t.test(
  'a failure carries both codes and what to do; before the contact ever wrote the attendance fails with it',
  async (t) => {
    const { attendance, message } = await start();
    await report(status(message.provider_message_id, 'failed'));
    await expanded();
    t.match(await getMessage(message.id), {
      status: 'failed',
      error: {
        code: 'recipient_undeliverable',
        retryable: false,
        action: 'fix_number',
        provider: { name: 'whatsapp_cloud', code: '131026' },
      },
    });
    t.match(await getAttendance(attendance.id), { status: 'failed' });

    t.test('later evidence wins', async (t) => {
      await report(status(message.provider_message_id, 'delivered'));
      await expanded();
      t.match(await getMessage(message.id), { status: 'delivered' });
      t.match(await getAttendance(attendance.id), { status: 'open' });
    });
  },
);

t.test('reported as failed before the contact ever wrote, it ends what still waits in its attendance', async (t) => {
  const { attendance, message } = await start();
  // One contact gets one message in 6 s: the next one waits for an hour.
  const in_an_hour = new Date(Date.now() + 3_600_000);
  await service
    .db('attempts')
    .where({ message_id: message.id })
    .update({ started_at: in_an_hour, finished_at: in_an_hour });
  const template = { name: 'boas_vindas', language: 'pt_BR' };
  const { body: later } = await company.post(`/v1/attendances/${attendance.id}/messages`, { template });
  await report(status(message.provider_message_id, 'failed'));
  await expanded();
  t.match(await getMessage(later.id), { status: 'cancelled', attempts: [] });
  const { status: ended, timeline } = await getAttendance(attendance.id);
  t.equal(ended, 'failed');
  t.same(
    timeline.slice(-3).map((entry: Body) => entry.type),
    ['message.failed', 'attendance.failed', 'message.cancelled'],
  );
});

t.test('once the contact has written, a failed message leaves the attendance open', async (t) => {
  const { attendance, message } = await start();
  await write(`55${attendance.contact.phone.slice(3)}`, { text: 'Oi' });
  await report(status(message.provider_message_id, 'failed'));
  await expanded();
  t.match(await getAttendance(attendance.id), { status: 'open' });
});

t.test('a doubt is settled by the correlator that its status echoes', async (t) => {
  const { attendance, message } = await start('0498');
  t.match(message, { status: 'unknown', provider_message_id: null });
  const { vault } = await openVault();
  const correlator = createCorrelator(vault, message.id, 1);
  await report(status('wamid.LOST1', 'sent', { biz_opaque_callback_data: correlator }));
  await expanded();
  t.match(await getMessage(message.id), { status: 'sent', provider_message_id: 'wamid.LOST1', error: null });
  t.match(await getAttendance(attendance.id), { status: 'open' });

  t.test('and a second id for the same message is told: it went out twice', async (t) => {
    await report(status('wamid.LOST2', 'sent', { biz_opaque_callback_data: correlator }));
    await report(status('wamid.LOST2', 'delivered'));
    await expanded();
    const { timeline, status: shown } = await getMessage(message.id);
    t.equal(timeline.filter((entry: Body) => entry.type === 'message.id_conflict').length, 1);
    t.equal(shown, 'delivered', 'found by its second id too');
  });
  t.test('under an id that another message has the fact is kept, and the id stays where it is', async (t) => {
    const [other, ours] = [await start(), await start('0499')];
    const { vault } = await openVault();
    const biz_opaque_callback_data = createCorrelator(vault, ours.message.id, 1);
    await report(status(other.message.provider_message_id, 'delivered', { biz_opaque_callback_data }));
    await expanded();
    t.match(await getMessage(ours.message.id), { status: 'delivered', provider_message_id: null });
    t.match(await getMessage(other.message.id), {
      status: 'accepted',
      provider_message_id: other.message.provider_message_id,
    });
  });

  t.test('a forged correlator names nothing', async (t) => {
    const { message: other } = await start('0499');
    const forged = `${createCorrelator(vault, other.id, 1).slice(0, -1)}!`;
    await report(status('wamid.FORGED', 'read', { biz_opaque_callback_data: forged }));
    await taken();
    await service.db('inbound_items').delete();
    t.match(await getMessage(other.id), { status: 'unknown' });
  });
});

t.test('a status that comes before the answer of its send is kept and applied', async (t) => {
  await report(status('wamid.EARLY', 'delivered'));
  const { message } = await start();
  await service.db('messages').where({ id: message.id }).update({ provider_message_id: 'wamid.EARLY' });
  await expanded();
  t.match(await getMessage(message.id), { status: 'delivered' });
});

t.test("a status of another channel's message changes nothing", async (t) => {
  const { message } = await start();
  await gateway('messages.update', {
    keyId: message.provider_message_id,
    remoteJid: '553188880001@s.whatsapp.net',
    fromMe: true,
    status: 'READ',
  });
  await taken();
  await service.db('inbound_items').delete();
  t.match(await getMessage(message.id), { status: 'accepted' });
});

t.test('silence is shown: accepted and never heard of for longer than the channel says', async (t) => {
  await company.call('PATCH', `/v1/channels/${company.official_id}`, { stuck_after_s: 1 });
  const { message } = await start();
  const stuck = await eventuallyStuck(message.id);
  t.match(stuck, { stuck: true, status: 'accepted' });
  t.same(
    stuck.timeline.map((entry: Body) => entry.type),
    ['message.accepted', 'message.stuck'],
  );
  await report(status(message.provider_message_id, 'delivered'));
  await expanded();
  t.match(await getMessage(message.id), { stuck: false, status: 'delivered' });
  await company.call('PATCH', `/v1/channels/${company.official_id}`, { stuck_after_s: 600 });
});

async function eventuallyStuck(id: string): Promise<Body> {
  return eventually(
    () => getMessage(id),
    (message) => message.stuck,
  );
}

async function openVault() {
  const vault = (await service.vaults.openAll(service.ctx, [company.account_id])).get(company.account_id);
  if (!vault) throw new Error('no vault');
  return { vault };
}

t.test('a failure for a shut window shuts it, unless the contact wrote after that', async (t) => {
  const { attendance, message } = await start();
  const { phone } = (await company.get(`/v1/contacts/${attendance.contact.id}`)).body;
  const now = Math.floor(Date.now() / 1_000);
  const refused = (at: number) =>
    report({
      ...status(message.provider_message_id, 'failed', { timestamp: String(at) }),
      errors: [{ code: 131047, title: 'Re-engagement message' }],
    });
  await write(phone.slice(1), { at: now });
  await expanded();
  await refused(now - 3);
  await expanded();
  t.match(await getMessage(message.id), { status: 'failed', error: { code: 'service_window_closed' } });
  t.match((await getAttendance(attendance.id)).service_window, { status: 'active' });

  const later = await start();
  const { phone: other } = (await company.get(`/v1/contacts/${later.attendance.contact.id}`)).body;
  await write(other.slice(1), { at: now - 60 });
  await expanded();
  await report({
    ...status(later.message.provider_message_id, 'failed', { timestamp: String(now) }),
    errors: [{ code: 131047, title: 'Re-engagement message' }],
  });
  await expanded();
  t.match((await getAttendance(later.attendance.id)).service_window, { status: 'expired' });
});
