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
