import t from 'tap';
import { createInbound } from '../../support/inbound.ts';
import { eventually, startService } from '../../support/service.ts';

// So long that the answer which never comes is still waited for while the echo is.
const service = await startService(t, { env: { CONVERSAR_SEND_TIMEOUT_MS: '8000', CONVERSAR_LEASE_MS: '20000' } });
const company = await service.createCompany();
const inbound = createInbound(service, company);

const messageOf = async (id: string) => (await company.get(`/v1/messages/${id}`)).body;
const messagesOf = async (attendance_id: string) =>
  (await company.get(`/v1/attendances/${attendance_id}/messages`)).body.data;
/** A text that goes out over the gateway to a number; `ddd` makes it another one. */
const start = async (ddd: number, digits: string, text: string) => {
  const contact = { phone: `(${ddd}) 98888-${digits}` };
  const { status, body } = await company.start({ contact, channel_id: company.unofficial_id, text });
  t.equal(status, 201);
  return body;
};
/** What the gateway tells of a text in our direction; its address has no ninth digit, as on the network. */
const echo = (ddd: number, digits: string, text: string, id: string) =>
  inbound.gateway('messages.upsert', {
    key: { remoteJid: `55${ddd}8888${digits}@s.whatsapp.net`, fromMe: true, id },
    messageType: 'conversation',
    message: { conversation: text },
    messageTimestamp: Math.floor(Date.now() / 1_000),
  });
const reaches = (id: string, status: string) =>
  eventually(
    () => messageOf(id),
    (message) => message.status === status,
  );

t.test('an echo that overtakes the answer of its own send proves that message, and is none of its own', async (t) => {
  const { id, first_message } = await start(31, '0000', 'Olá!');
  await reaches(first_message.id, 'sending');
  await echo(31, '0000', 'Olá!', '3EB0AAAAAAAAAAAAAAAA01');
  const message = await reaches(first_message.id, 'sent');
  t.equal(message.provider_message_id, '3EB0AAAAAAAAAAAAAAAA01');
  t.same(
    (await messagesOf(id)).map((one: { id: string }) => one.id),
    [first_message.id],
  );
  t.match((await company.get(`/v1/attendances/${id}`)).body, { status: 'open' });
});

t.test('an echo settles the doubt with its text and its address, with or without the ninth digit', async (t) => {
  const { id, first_message } = await start(41, '0499', 'Bom dia!');
  await reaches(first_message.id, 'unknown');
  await echo(41, '0499', 'Bom dia!', '3EB0AAAAAAAAAAAAAAAA02');
  t.match(await reaches(first_message.id, 'sent'), { provider_message_id: '3EB0AAAAAAAAAAAAAAAA02', error: null });
  t.equal((await messagesOf(id)).length, 1);
});

t.test('another text is what a person of the company typed on the phone, and the doubt stays', async (t) => {
  const { id, first_message } = await start(51, '0499', 'Boa tarde!');
  await reaches(first_message.id, 'unknown');
  await echo(51, '0499', 'Já te ligo', '3A00AAAAAAAAAAAAAAAA03');
  const [doubt, typed] = await eventually(
    () => messagesOf(id),
    (messages) => messages.length === 2,
  );
  t.match(doubt, { id: first_message.id, status: 'unknown' });
  t.match(typed, { direction: 'outbound', text: 'Já te ligo', status: 'sent' });
});

/** A doubt over the gateway: its number is one that is cut off once the message was taken. */
async function doubt(ddd: number, text: string) {
  const { first_message } = await start(ddd, '0499', text);
  await reaches(first_message.id, 'unknown');
  return first_message.id as string;
}
const change = (id: string, to: Record<string, unknown>) => service.db('messages').where({ id }).update(to);
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);

t.test(
  'a message that waits at the gateway was not sent yet: it is accepted, and its silence will be news',
  async (t) => {
    const id = await doubt(61, 'Ainda não foi');
    await inbound.gateway('send.message', {
      key: { remoteJid: '556188880499@s.whatsapp.net', fromMe: true, id: '3EB0AAAAAAAAAAAAAAAA04' },
      status: 'PENDING',
      messageType: 'conversation',
      message: { conversation: 'Ainda não foi' },
      messageTimestamp: Math.floor(Date.now() / 1_000),
    });
    t.match(await reaches(id, 'accepted'), { sent_at: null, provider_message_id: '3EB0AAAAAAAAAAAAAAAA04' });
    await change(id, { run_at: ago(1) });
    await eventually(
      () => messageOf(id),
      ({ stuck }) => stuck,
    );
  },
);

t.test('an echo that names the person otherwise than the message was addressed settles it, too', async (t) => {
  const id = await doubt(71, 'Por outro nome');
  const { account_id, unofficial_id } = company;
  const { contact_id } = await messageOf(id);
  const seen = { first_seen_at: new Date(), last_seen_at: new Date(), source: 'evolution' };
  const lid = { kind: 'lid', scope: `channel:${unofficial_id}`, value: '138000111222333@lid' };
  await service.db('contact_identities').insert({ account_id, contact_id, ...lid, ...seen });
  await inbound.gateway('messages.upsert', {
    key: { remoteJid: lid.value, fromMe: true, id: '3EB0AAAAAAAAAAAAAAAA05' },
    message: { conversation: 'Por outro nome' },
    messageTimestamp: Math.floor(Date.now() / 1_000),
  });
  t.match(await reaches(id, 'sent'), { provider_message_id: '3EB0AAAAAAAAAAAAAAAA05' });
});

t.test('a doubt that is sent again, waits for that, or was given up is settled by its echo as well', async (t) => {
  const cases: [ddd: number, title: string, to: Record<string, unknown>, status: string][] = [
    [81, 'in the air again', { state: 'sending', fence: 1, lease_until: ago(-60), unknown_at: ago(30) }, 'sent'],
    [82, 'waiting to be sent again', { state: 'queued', run_at: ago(-60), send_before: ago(-90) }, 'sent'],
    [
      83,
      'given up',
      { state: 'settled', failed_at: new Date(), error: JSON.stringify({ code: 'presumed_lost', provider: null }) },
      'failed',
    ],
  ];
  for (const [ddd, text, to, status] of cases) {
    const id = await doubt(ddd, text);
    await change(id, to);
    await echo(ddd, '0499', text, `3EB0AAAAAAAAAAAAAAAA${ddd}`);
    const message = await eventually(
      () => messageOf(id),
      ({ sent_at }) => sent_at !== null,
    );
    t.match(message, { status, provider_message_id: `3EB0AAAAAAAAAAAAAAAA${ddd}` }, text);
    t.equal((await messagesOf(message.attendance_id)).length, 1, text);
  }
});

t.test('one that was given up does not spoil the echo of the one that is sent in its place', async (t) => {
  const given_up = await doubt(84, 'De novo');
  const error = JSON.stringify({ code: 'marked_failed', provider: null });
  await change(given_up, { state: 'settled', failed_at: new Date(), error });
  const first = await messageOf(given_up);
  await service.db('attendances').where({ id: first.attendance_id }).update({ status: 'failed' });
  const second = await start(84, '0499', 'De novo');
  await reaches(second.first_message.id, 'unknown');
  await echo(84, '0499', 'De novo', '3EB0AAAAAAAAAAAAAAAA84');
  t.match(await reaches(second.first_message.id, 'sent'), { provider_message_id: '3EB0AAAAAAAAAAAAAAAA84' });
  t.match(await messageOf(given_up), { status: 'failed', provider_message_id: null });
  t.equal((await messagesOf(second.id)).length, 1);
});

t.test(
  'what was typed to a person who was erased does not come into their next attendance with a repeat',
  async (t) => {
    const person = { remoteJid: '559188880900@s.whatsapp.net', fromMe: false };
    const says = (id: string, text: string) =>
      inbound.gateway('messages.upsert', {
        key: { ...person, id },
        messageType: 'conversation',
        message: { conversation: text },
        messageTimestamp: Math.floor(Date.now() / 1_000),
      });
    const attendances = async () =>
      (await company.get(`/v1/attendances?origin=receptive&channel_id=${company.unofficial_id}&limit=1`)).body.data;
    await says('3A00000000000000000091', 'Oi');
    await inbound.expanded();
    const [before] = await attendances();
    await echo(91, '0900', 'Segredo', '3A00000000000000000092');
    await inbound.expanded();
    t.equal((await messagesOf(before.id)).length, 2);
    t.equal((await company.call('DELETE', `/v1/contacts/${before.contact.id}`)).status, 204);
    await says('3A00000000000000000093', 'Oi de novo');
    await inbound.expanded();
    const [after] = await attendances();
    t.not(after.id, before.id);
    await echo(91, '0900', 'Segredo', '3A00000000000000000092');
    await inbound.expanded();
    t.equal((await messagesOf(after.id)).length, 1);
  },
);

t.test('a report that overtakes the echo of a doubt is asked again until the echo is there', async (t) => {
  const { first_message } = await start(85, '0499', 'Boa semana!');
  await reaches(first_message.id, 'unknown');
  const id = '3EB0AAAAAAAAAAAAAAAA09';
  await inbound.gateway('messages.update', {
    ...{ messageId: 'cm0000000000000000000000x', keyId: id, remoteJid: '558588880499@s.whatsapp.net' },
    ...{ fromMe: true, status: 'READ' },
  });
  const kept = () => service.db('inbound_items').select('tries', 'state');
  await eventually(kept, (items) => items.length === 1);
  // The last of the tries that a report of somebody else's message gets.
  await service.db('inbound_items').update({ tries: 4, run_at: service.db.fn.now() });
  t.match(await eventually(kept, ([item]) => item?.tries !== 4 && item?.state !== 'working'), [{ state: 'due' }]);
  await echo(85, '0499', 'Boa semana!', id);
  await reaches(first_message.id, 'sent');
  await service.db('inbound_items').update({ run_at: service.db.fn.now() });
  t.match(await reaches(first_message.id, 'read'), { provider_message_id: id });
  await eventually(kept, (items) => items.length === 0);
});
