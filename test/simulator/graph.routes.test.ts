import t from 'tap';
import { simulate } from './simulated.ts';

const trace = /^A[\w-]{20,}$/;

t.test('a text › accepted: contact, wamid, and the entry with its correlator', async (t) => {
  const { graph, received } = await simulate(t);
  const { status, body } = await graph.text('+55 (11) 98888-0001', 'msg-1');
  t.equal(status, 200);
  t.same(body, {
    messaging_product: 'whatsapp',
    contacts: [{ input: '+55 (11) 98888-0001', wa_id: '5511988880001' }],
    messages: [{ id: body.messages[0].id }],
  });
  t.match(body.messages[0].id, /^wamid\.\S{20,}$/);
  t.match(await received(), [
    {
      id: 1,
      protocol: 'graph',
      channel: '100000000000001',
      to: '+55 (11) 98888-0001',
      type: 'text',
      text: 'Olá',
      correlator: 'msg-1',
      outcome: 'accepted',
      accepted: true,
      status: 200,
      error_code: null,
      provider_message_id: body.messages[0].id,
      body: { messaging_product: 'whatsapp', type: 'text' },
    },
  ]);
});

t.test(
  'contacts[].wa_id › without the ninth digit from area code 31 up, with it below, landlines untouched',
  async (t) => {
    const { graph } = await simulate(t);
    const waId = async (to: string) => (await graph.text(to)).body.contacts[0].wa_id;
    t.equal(await waId('+5531988880001'), '553188880001');
    t.equal(await waId('+553188880001'), '553188880001');
    t.equal(await waId('+551188880001'), '5511988880001');
    t.equal(await waId('+553133330001'), '553133330001');
    t.equal(await waId('+14155550001'), '14155550001');
  },
);

t.test('the scripted digits › are found with and without the ninth digit', async (t) => {
  const { graph } = await simulate(t);
  t.equal((await graph.text('+5531988880404')).body.error.code, 131026);
  t.equal((await graph.text('+553188880404')).body.error.code, 131026);
});

const refusals = [
  ['0131', 400, 131049],
  ['0190', 401, 190],
  ['0404', 400, 131026],
  ['0430', 400, 130429],
  ['0463', 400, 131048],
] as const;
for (const [digits, status, code] of refusals) {
  t.test(`to …${digits} › ${status} with code ${code} in Graph's envelope, not accepted`, async (t) => {
    const { graph, received } = await simulate(t);
    for (const _ of [1, 2, 3]) {
      const answer = await graph.text(`+553198888${digits}`);
      t.equal(answer.status, status);
      t.match(answer.body, { error: { code, type: 'OAuthException', message: String, fbtrace_id: trace } });
    }
    const entries = await received();
    t.equal(entries.length, 3);
    t.ok(entries.every((entry) => !entry.accepted && entry.error_code === String(code)));
  });
}

t.test('an error envelope › has exactly the members Graph gives', async (t) => {
  const { graph } = await simulate(t);
  const { body } = await graph.text('+5531988880404');
  t.same(body.error, {
    message: '(#131026) Message undeliverable',
    type: 'OAuthException',
    code: 131026,
    error_data: { messaging_product: 'whatsapp', details: 'Message undeliverable.' },
    fbtrace_id: body.error.fbtrace_id,
  });
});

for (const [digits, status, code] of [
  ['0429', 400, 130429],
  ['0503', 500, 131016],
] as const) {
  t.test(`to …${digits} › refused twice with ${code}, then accepted, per sender`, async (t) => {
    const { graph, received, call } = await simulate(t);
    const to = `+553198888${digits}`;
    const statuses = async (sender: string) => [
      (await graph.text(to, 'c', sender)).status,
      (await graph.text(to.replace('319', '31'), 'c', sender)).status,
      (await graph.text(to, 'c', sender)).status,
      (await graph.text(to, 'c', sender)).status,
    ];
    t.same(await statuses('sender-a'), [status, status, 200, 200]);
    t.same(await statuses('sender-b'), [status, status, 200, 200]);
    const accepted = await received('?channel=sender-a&accepted=true');
    t.same(
      accepted.map((entry) => entry.outcome),
      ['accepted', 'accepted'],
    );
    await call('/_received', { method: 'DELETE' });
    t.equal((await graph.text(to, 'c', 'sender-a')).status, status, 'DELETE /_received starts the count again');
  });
}

t.test('to …0200 › 200 without an id, and accepted', async (t) => {
  const { graph, received } = await simulate(t);
  const { status, body } = await graph.text('+5531988880200');
  t.same([status, body.messages], [200, []]);
  t.match(await received(), [{ outcome: 'answer_without_id', accepted: true, provider_message_id: /^wamid/ }]);
});

t.test('to …0202 › a template is held, a text accepted', async (t) => {
  const { graph, received } = await simulate(t);
  const { body } = await graph.template('boas_vindas', [], 'pt_BR', '+5531988880202');
  t.equal(body.messages[0].message_status, 'held_for_quality_assessment');
  t.equal((await graph.text('+5531988880202')).body.messages[0].message_status, undefined);
  t.same(
    (await received()).map(({ outcome, accepted }) => [outcome, accepted]),
    [
      ['held', true],
      ['accepted', true],
    ],
  );
});

t.test('to …0415 › a template is refused as paused, a text accepted', async (t) => {
  const { graph } = await simulate(t);
  const answer = await graph.template('boas_vindas', [], 'pt_BR', '+5531988880415');
  t.same([answer.status, answer.body.error.code], [400, 132015]);
  t.equal((await graph.text('+5531988880415')).status, 200);
});

t.test('to …0408 › recorded as accepted before it is answered', async (t) => {
  const { graph, received, close } = await simulate(t, { slow_ms: 60_000 });
  const answer = t.rejects(graph.text('+5531988880408'));
  for (;;) if ((await received()).length === 1) break;
  t.match(await received(), [{ outcome: 'slow', accepted: true }]);
  await close();
  await answer;
});

t.test('to …0408 › answered late', async (t) => {
  const { graph } = await simulate(t, { slow_ms: 150 });
  const started_at = performance.now();
  t.equal((await graph.text('+5531988880408')).status, 200);
  t.ok(performance.now() - started_at >= 149);
});

for (const [digits, accepted] of [
  ['0000', false],
  ['0498', true],
  ['0499', false],
] as const) {
  t.test(`to …${digits} › no answer, and ${accepted ? 'accepted' : 'not accepted'}`, async (t) => {
    const { graph, received } = await simulate(t);
    await t.rejects(graph.text(`+553198888${digits}`), { cause: { code: 'UND_ERR_SOCKET' } });
    const [entry] = await received();
    t.match(entry, { accepted, status: null, correlator: 'c-1' });
    t.equal(entry?.provider_message_id !== null, accepted);
  });
}

for (const [digits, status, accepted] of [
  ['0500', 500, false],
  ['0502', 502, true],
] as const) {
  t.test(`to …${digits} › an HTML page with ${status}, and ${accepted ? 'accepted' : 'not accepted'}`, async (t) => {
    const { graph, received } = await simulate(t);
    const answer = await graph.text(`+553198888${digits}`);
    t.match(answer, { status, type: /^text\/html/, body: /^<html>/ });
    t.match(await received(), [{ accepted, status }]);
  });
}

t.test('a wrong or missing token › 401 with code 190, and nothing is recorded', async (t) => {
  const { call, received } = await simulate(t);
  for (const headers of [{ authorization: 'Bearer wrong' }, {}]) {
    const answer = await call('/graph/v25.0/1/messages', { method: 'POST', headers });
    t.equal(answer.status, 401);
    t.match(answer.body, { error: { code: 190, type: 'OAuthException', fbtrace_id: trace } });
  }
  t.same(await received(), []);
});

t.test('a sender that begins with missing › 100 with subcode 33; with closed › 133010', async (t) => {
  const { graph, received } = await simulate(t);
  t.match(await graph.text('+5531988880001', 'c', 'missing-1'), {
    status: 400,
    body: { error: { code: 100, error_subcode: 33, type: 'GraphMethodException' } },
  });
  t.match(await graph.text('+5531988880001', 'c', 'closed-1'), { status: 400, body: { error: { code: 133010 } } });
  t.match(await received(), [{ channel: 'closed-1', outcome: 'closed', accepted: false }]);
});

t.test('a malformed request › code 100, and recorded as invalid once a recipient is known', async (t) => {
  const { graph, received } = await simulate(t);
  const code = async (message: Record<string, unknown>) => (await graph.send(message)).body.error.code;
  const to = '+5531988880001';
  t.equal(await code({ messaging_product: undefined, to, type: 'text', text: { body: 'a' } }), 100);
  t.equal(await code({ type: 'text', text: { body: 'a' } }), 100);
  t.same(await received(), []);
  t.equal(await code({ to, type: 'telegram' }), 100);
  t.equal(await code({ to, type: 'text' }), 100);
  t.equal(await code({ to, type: 'text', text: { body: 'a'.repeat(4097) } }), 100);
  t.equal(await code({ to, type: 'text', text: { body: 'a' }, biz_opaque_callback_data: 'c'.repeat(513) }), 100);
  t.equal(await code({ to, recipient_type: 'business_scoped_user_id', type: 'text', text: { body: 'a' } }), 100);
  t.equal(await code({ to: '12', type: 'text', text: { body: 'a' } }), 131009);
  const entries = await received();
  t.equal(entries.length, 5);
  t.ok(entries.every((entry) => entry.outcome === 'invalid' && !entry.accepted && entry.error_code === '100'));
});

t.test('a body that is no JSON, an unknown path, a bad version › in Graph’s envelope', async (t) => {
  const { call } = await simulate(t);
  const headers = { authorization: 'Bearer simulator-token', 'content-type': 'application/json' };
  const code = async (path: string, json = '{}') => {
    const { status, body } = await call(path, { method: 'POST', headers, body: json });
    return [status, body.error.code];
  };
  t.same(await code('/graph/v25.0/1/messages', '{'), [400, 100]);
  t.same(await code('/graph/v25.0/1/nothing'), [400, 2500]);
  t.same(await code('/graph/latest/1/messages'), [400, 2500]);
});

t.test('a user id › accepted in recipient without wa_id; in to: 200, and it vanishes', async (t) => {
  const { graph, received } = await simulate(t);
  const text = { type: 'text', text: { body: 'Oi' } };
  const addressed = await graph.send({ recipient: 'BR.7H2K9Q41ZXCV', ...text });
  t.same(addressed.body.contacts, [{ input: 'BR.7H2K9Q41ZXCV', user_id: 'BR.7H2K9Q41ZXCV' }]);
  t.equal((await graph.send({ to: 'BR.7H2K9Q41ZXCV', ...text })).status, 200);
  t.match(await received(), [{ accepted: true }, { accepted: false, outcome: 'vanished' }]);
});

t.test('a read receipt › success, and no message', async (t) => {
  const { graph, received } = await simulate(t);
  t.same((await graph.send({ status: 'read', message_id: 'wamid.X' })).body, { success: true });
  t.same(await received(), []);
});
