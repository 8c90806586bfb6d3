import t from 'tap';
import { simulate } from './simulated.ts';

t.test('a text › 201 with the key, pending, and the entry', async (t) => {
  const { evolution, received } = await simulate(t);
  const { status, body } = await evolution.text('5531988880001');
  t.equal(status, 201);
  t.match(body, {
    key: { remoteJid: '553188880001@s.whatsapp.net', fromMe: true, id: /^3EB0[0-9A-F]{18}$/ },
    status: 'PENDING',
    message: { conversation: 'Olá' },
    messageType: 'conversation',
    messageTimestamp: Number,
  });
  t.match(await received(), [
    {
      protocol: 'evolution',
      channel: 'demo',
      to: '5531988880001',
      type: 'text',
      text: 'Olá',
      correlator: null,
      outcome: 'accepted',
      accepted: true,
      status: 201,
      provider_message_id: body.key.id,
    },
  ]);
});

t.test('whatsappNumbers › gives the address without the ninth digit, and a send to it works', async (t) => {
  const { evolution } = await simulate(t);
  const { status, body } = await evolution.check(['5531988880001', '5511988880001']);
  t.equal(status, 200);
  t.same(body, [
    { jid: '553188880001@s.whatsapp.net', exists: true, number: '5531988880001' },
    { jid: '5511988880001@s.whatsapp.net', exists: true, number: '5511988880001' },
  ]);
  const sent = await evolution.text(body[0].jid);
  t.equal(sent.body.key.remoteJid, '553188880001@s.whatsapp.net');
});

t.test('an @lid › exists, and nothing is scripted by its digits', async (t) => {
  const { evolution } = await simulate(t);
  const sent = await evolution.text('138401042920404@lid');
  t.same([sent.status, sent.body.key.remoteJid], [201, '138401042920404@lid']);
});

t.test('to …0404 › exists: false in the check and in the 400 of the send', async (t) => {
  const { evolution, received } = await simulate(t);
  const absent = [{ jid: '553188880404@s.whatsapp.net', exists: false, number: '5531988880404' }];
  t.same((await evolution.check(['5531988880404'])).body, absent);
  const sent = await evolution.text('5531988880404');
  t.equal(sent.status, 400);
  t.same(sent.body, { status: 400, error: 'Bad Request', response: { message: absent } });
  t.match(await received(), [{ outcome: 'not_on_whatsapp', accepted: false }]);
});

for (const [digits, status, message] of [
  ['0190', 401, 'Unauthorized'],
  ['0430', 400, ['Error: rate-overlimit']],
  ['0463', 400, [/463/]],
] as const) {
  t.test(`to …${digits} › ${status}, not accepted`, async (t) => {
    const { evolution, received } = await simulate(t);
    t.match(await evolution.text(`553198888${digits}`), { status, body: { status, response: { message } } });
    t.match(await received(), [{ accepted: false, status }]);
  });
}

for (const digits of ['0429', '0503']) {
  t.test(`to …${digits} › refused twice, then accepted`, async (t) => {
    const { evolution } = await simulate(t);
    const statuses = [];
    for (const _ of [1, 2, 3]) statuses.push((await evolution.text(`553198888${digits}`)).status);
    t.same(statuses, [400, 400, 201]);
  });
}

for (const digits of ['0131', '0202', '0408', '0415']) {
  t.test(`to …${digits} › accepted as pending`, async (t) => {
    const { evolution, received } = await simulate(t);
    t.match(await evolution.text(`553198888${digits}`), { status: 201, body: { status: 'PENDING' } });
    t.match(await received(), [{ accepted: true }]);
  });
}

t.test('to …0200 › 201 without a key, and accepted', async (t) => {
  const { evolution, received } = await simulate(t);
  const sent = await evolution.text('5531988880200');
  t.same([sent.status, sent.body.key], [201, undefined]);
  t.match(await received(), [{ accepted: true }]);
});

for (const [digits, accepted] of [
  ['0000', false],
  ['0498', true],
  ['0499', false],
] as const) {
  t.test(`to …${digits} › no answer, and ${accepted ? 'accepted' : 'not accepted'}`, async (t) => {
    const { evolution, received } = await simulate(t);
    await t.rejects(evolution.text(`553198888${digits}`), { cause: { code: 'UND_ERR_SOCKET' } });
    t.match(await received(), [{ accepted, status: null }]);
  });
}

for (const [digits, status, accepted] of [
  ['0500', 500, false],
  ['0502', 502, true],
] as const) {
  t.test(`to …${digits} › an HTML page with ${status}`, async (t) => {
    const { evolution, received } = await simulate(t);
    t.match(await evolution.text(`553198888${digits}`), { status, type: /^text\/html/ });
    t.match(await received(), [{ accepted, status }]);
  });
}

t.test('an unknown instance › 404 even with a wrong key; a wrong key › 401', async (t) => {
  const { call, evolution, received } = await simulate(t);
  const headers = { apikey: 'wrong' };
  t.same((await call('/evolution/instance/connectionState/missing-1', { headers })).body, {
    status: 404,
    error: 'Not Found',
    response: { message: ['The "missing-1" instance does not exist'] },
  });
  t.match(await call('/evolution/message/sendText/missing-1', { method: 'POST' }), { status: 404 });
  t.same((await call('/evolution/instance/connectionState/demo', { headers })).body, {
    status: 401,
    error: 'Unauthorized',
    response: { message: 'Unauthorized' },
  });
  t.match(await evolution.text('5531988880001', 'missing-1'), { status: 404 });
  t.same(await received(), []);
});

t.test('connectionState › open, and close for a closed instance, which cannot send', async (t) => {
  const { evolution, received } = await simulate(t);
  t.same((await evolution.state('any_name')).body, { instance: { instanceName: 'any_name', state: 'open' } });
  t.equal((await evolution.state('closed-1')).body.instance.state, 'close');
  t.match(await evolution.text('5531988880001', 'closed-1'), {
    status: 400,
    body: { response: { message: ['Error: Connection Closed'] } },
  });
  t.equal((await evolution.check(['5531988880001'], 'closed-1')).status, 500);
  t.match(await received(), [{ outcome: 'closed', accepted: false }]);
});

t.test('a malformed body › 400 with lists of sentences; an unknown path › 404', async (t) => {
  const { evolution } = await simulate(t);
  const missing = await evolution.post('/message/sendText/demo', { text: 'Olá' });
  t.same([missing.status, missing.body.response.message], [400, [['instance requires property "number"']]]);
  const both = await evolution.post('/message/sendText/demo', { number: 55 });
  t.same(both.body.response.message, [
    ['instance.number is not of a type(s) string', 'instance requires property "text"'],
  ]);
  t.equal((await evolution.post('/chat/whatsappNumbers/demo', { numbers: 'x' })).status, 400);
  t.same((await evolution.post('/message/sendMagic/demo', {})).body.response.message, [
    'Cannot POST /message/sendMagic/demo',
  ]);
});
