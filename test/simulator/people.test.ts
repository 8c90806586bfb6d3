import t from 'tap';
import { openPeople } from '../../src/simulator/people.ts';
import { simulateWebhooks } from './listener.ts';
import { simulate } from './simulated.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read bodies of any shape
const readValue = (body: any) => body.entry[0].changes[0].value;

t.test('people › the same at every start, by both forms of the number; told beats made up', async (t) => {
  const people = openPeople();
  const ana = people.find('+55 31 98888-0001');
  t.same(ana, openPeople().find('553188880001'));
  t.match(ana, { wa_id: '553188880001', bsuid: /^BR\.[0-9A-F]{20}$/, lid: /^\d{15}@lid$/ });
  t.equal(people.find(String(ana.lid)), ana, 'found by what they were called');
  t.same(people.meet('5531988880001', { name: 'Bia', bsuid: 'BR.9Z' }), { ...ana, name: 'Bia', bsuid: 'BR.9Z' });
  t.equal(people.find('BR.9Z').name, 'Bia');
  t.match(people.find('BR.OTHER'), { wa_id: null, bsuid: 'BR.OTHER', lid: null });
});

t.test('a person writes › over Graph, with number, user id and profile', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t);
  const { status, body } = await post('/_persons/+55 (31) 98888-0003/messages', {
    text: 'Oi, tudo bem?',
    name: 'Caio',
  });
  t.equal(status, 202);
  await settled();
  t.match(readValue(listener.bodies()[0]), {
    contacts: [{ profile: { name: 'Caio' }, wa_id: '553188880003', user_id: body.person.bsuid }],
    messages: [
      { from: '553188880003', id: body.provider_message_ids[0], type: 'text', text: { body: 'Oi, tudo bem?' } },
    ],
  });
});

t.test('a person writes › over Evolution, with number, linked id and name', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t);
  const { body } = await post('/_persons/5531988880003/messages', { to: 'evolution', lid: '138401042920003@lid' });
  await settled();
  t.match(listener.bodies(), [
    {
      event: 'messages.upsert',
      data: {
        key: {
          remoteJid: '553188880003@s.whatsapp.net',
          remoteJidAlt: '138401042920003@lid',
          fromMe: false,
          id: body.provider_message_ids[0],
        },
        pushName: body.person.name,
        message: { conversation: /^Olá/ },
        messageTimestamp: Number,
      },
    },
  ]);
});

t.test('a person without a number › writes by user id over Graph, by linked id over Evolution', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t);
  t.equal((await post('/_persons/BR.1A2B3C/messages', {})).status, 202);
  await settled();
  t.equal((await post('/_persons/138401042920003@lid/messages', { to: 'evolution' })).status, 202);
  await settled();
  const [graph, evolution] = listener.bodies();
  const { contacts, messages } = readValue(graph);
  t.notOk('from' in messages[0] || 'wa_id' in contacts[0]);
  t.equal(messages[0].from_user_id, 'BR.1A2B3C');
  t.equal(evolution.data.key.remoteJid, '138401042920003@lid');
  t.notOk('remoteJidAlt' in evolution.data.key);
});

t.test('count › so many at once, each by itself, told a second apart; or all in one body', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t);
  const { body } = await post('/_persons/5531988880003/messages', { text: 'Oi', count: 50 });
  await settled();
  const messages = listener.bodies().flatMap((one) => readValue(one).messages);
  messages.sort((a, b) => Number(a.timestamp) - Number(b.timestamp));
  t.same(
    messages.map(({ id, text }) => [id, text.body]),
    body.provider_message_ids.map((id: string, index: number) => [id, `Oi ${index + 1}`]),
  );
  t.ok(Number(messages[49].timestamp) - Number(messages[0].timestamp) === 49);
  await post('/_persons/5531988880003/messages', { count: 3, in_one_body: true });
  await settled();
  t.equal(readValue(listener.bodies()[50]).messages.length, 3);
});

for (const type of [
  'text',
  'image',
  'audio',
  'video',
  'document',
  'sticker',
  'location',
  'contacts',
  'button',
  'reaction',
]) {
  t.test(`type ${type} › over both`, async (t) => {
    const { post, listener, settled } = await simulateWebhooks(t);
    await post('/_persons/5531988880003/messages', { type });
    await settled();
    await post('/_persons/5531988880003/messages', { type, to: 'evolution' });
    await settled();
    const [graph, evolution] = listener.bodies();
    t.match(readValue(graph).messages, [{ type, [type]: Object }]);
    t.ok(evolution.data.messageType in evolution.data.message);
  });
}

t.test('reply_to › names the message that is answered', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t);
  for (const to of ['graph', 'evolution']) {
    await post('/_persons/5531988880003/messages', { to, reply_to: 'id-1' });
    await settled();
  }
  const [graph, evolution] = listener.bodies();
  t.equal(readValue(graph).messages[0].context.id, 'id-1');
  t.equal(evolution.data.contextInfo.stanzaId, 'id-1');
});

t.test('opt_out and opt_in › stop and resume', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t);
  for (const type of ['opt_out', 'opt_in']) {
    await post('/_persons/5531988880003/messages', { type });
    await settled();
  }
  const values = listener.bodies().map((body) => readValue(body).user_preferences[0].value);
  t.same(values, ['stop', 'resume']);
});

t.test('a person writes to nobody › 409 that says what to do; nonsense: 400', async (t) => {
  const { post } = await simulate(t);
  const unheard = await post('/_persons/5531988880003/messages', {});
  t.match(unheard, { status: 409, body: { error: /subscribed_apps/ } });
  t.match(await post('/_persons/5531988880003/messages', { to: 'evolution' }), {
    status: 409,
    body: { error: /webhook\/set/ },
  });
  t.equal((await post('/_persons/nobody/messages', {})).status, 400);
  t.equal((await post('/_persons/BR.1A/messages', { to: 'evolution' })).status, 400);
  t.equal((await post('/_persons/138401042920003@lid/messages', {})).status, 400);
  t.equal((await post('/_persons/5531988880003/messages', { txt: 'Oi' })).status, 400);
});
