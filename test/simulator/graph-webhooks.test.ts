import { createHmac } from 'node:crypto';
import t from 'tap';
import { demo_values } from '../../src/simulator/demo-values.ts';
import { graphBytes } from '../../src/simulator/graph-webhooks.ts';
import type { ScriptedRequest } from '../support/scripted-server.ts';
import { simulateWebhooks, storyOf, takeAll } from './listener.ts';

const { app_secret, phone_number_id, waba_id } = demo_values.graph;

function isSigned({ headers, body }: ScriptedRequest): boolean {
  const signature = createHmac('sha256', app_secret).update(Buffer.from(body, 'utf8')).digest('hex');
  return headers['x-hub-signature-256'] === `sha256=${signature}`;
}

t.test('bytes › as a known body of Meta: escapes in lower case, slashes escaped, and its signature', async (t) => {
  const contact = { profile: { name: 'José' }, wa_id: '553177776666', user_id: 'BR.1A2B3C' };
  const message = {
    from: '553177776666',
    from_user_id: 'BR.1A2B3C',
    id: 'wamid.T1',
    timestamp: '1790000000',
    type: 'text',
    text: { body: 'olá https://a.b/c' },
  };
  const metadata = { display_phone_number: '5531988887777', phone_number_id: '2' };
  const value = { messaging_product: 'whatsapp', metadata, contacts: [contact], messages: [message] };
  const bytes = graphBytes({
    object: 'whatsapp_business_account',
    entry: [{ id: '1', changes: [{ field: 'messages', value }] }],
  });
  t.equal(bytes.length, 461);
  const signature = createHmac('sha256', 'test-app-secret').update(bytes).digest('hex');
  t.equal(signature, 'f367f3d2ece8449852606bad15182439e3865aaa43709a7fe41f6ca3826e1531');
  t.equal(graphBytes('👍'), '"\\ud83d\\udc4d"');
});

t.test('a template › sent, delivered, read: signed, with the correlator, the contact and the price', async (t) => {
  const { graph, listener, settled } = await simulateWebhooks(t);
  const template = { name: 'boas_vindas', language: { code: 'pt_BR' }, components: [] };
  const { body: answered } = await graph.send({
    to: '+5531988880001',
    type: 'template',
    template,
    biz_opaque_callback_data: 'c-7',
  });
  await settled();
  const bodies = listener.bodies();
  t.same(bodies.map(storyOf), ['sent', 'delivered', 'read']);
  t.ok(listener.posts().every(isSigned));
  for (const body of bodies) {
    t.match(body, {
      object: 'whatsapp_business_account',
      entry: [
        {
          id: waba_id,
          time: Number,
          changes: [
            {
              field: 'messages',
              value: {
                messaging_product: 'whatsapp',
                metadata: { display_phone_number: /^\d+$/, phone_number_id },
                contacts: [{ profile: { name: String }, wa_id: '553188880001', user_id: /^BR\.[0-9A-F]{20}$/ }],
                statuses: [
                  {
                    id: answered.messages[0].id,
                    timestamp: /^\d{10}$/,
                    recipient_id: '553188880001',
                    recipient_user_id: /^BR\./,
                    biz_opaque_callback_data: 'c-7',
                  },
                ],
              },
            },
          ],
        },
      ],
    });
  }
  const prices = bodies.map((body) => body.entry[0].changes[0].value.statuses[0].pricing?.category);
  t.same(prices, ['utility', 'utility', undefined]);
});

t.test('a user id as recipient › is named in the statuses, without a number', async (t) => {
  const { graph, listener, settled } = await simulateWebhooks(t);
  await graph.send({ recipient: 'BR.1A2B3C', type: 'text', text: { body: 'Olá' } });
  await settled();
  const [{ entry }] = listener.bodies();
  const { statuses, contacts } = entry[0].changes[0].value;
  t.match([statuses[0].recipient_user_id, contacts[0].user_id], ['BR.1A2B3C', 'BR.1A2B3C']);
  t.notOk('recipient_id' in statuses[0] || 'wa_id' in contacts[0] || 'biz_opaque_callback_data' in statuses[0]);
});

const stories: Record<string, string[]> = {
  '0701': [],
  '0702': ['sent'],
  '0703': ['sent', 'read'],
  '0704': ['failed'],
  '0705': ['failed'],
  '0706': ['failed'],
  '0707': ['sent', 'failed', 'delivered'],
  '0708': ['sent', 'delivered', 'read'],
  '0709': ['read', 'read', 'delivered', 'delivered', 'sent', 'sent'],
  '0710': ['sent', 'delivered+read'],
  '0713': ['sent', 'delivered', 'text', 'image', 'read'],
  '0714': ['text', 'sent', 'delivered', 'read'],
  '0715': ['sent', 'delivered', 'read', 'user_preferences'],
  '0716': ['sent', 'delivered', 'system'],
  '0430': [],
  '0498': ['sent', 'delivered', 'read'],
  '0200': ['sent', 'delivered', 'read'],
};
for (const [digits, story] of Object.entries(stories)) {
  t.test(`to …${digits} › ${story.join(', ') || 'silence'}`, async (t) => {
    const { graph, listener, settled, received } = await simulateWebhooks(t);
    await graph.text(`+553198888${digits}`).catch(() => undefined);
    await settled();
    t.same(listener.bodies().map(storyOf), story);
    t.ok(listener.posts().every(isSigned));
    t.equal((await received())[0]?.accepted, digits !== '0430');
  });
}

t.test('a held template › no status follows', async (t) => {
  const { graph, listener, settled } = await simulateWebhooks(t);
  await graph.template('boas_vindas', [], 'pt_BR', '+5531988880202');
  await settled();
  t.same(listener.posts(), []);
});

for (const [digits, code] of [
  ['0704', 131026],
  ['0705', 131049],
  ['0706', 131047],
] as const) {
  t.test(`to …${digits} › fails later with ${code}, and nobody stands beside it`, async (t) => {
    const { graph, listener, settled } = await simulateWebhooks(t);
    t.equal((await graph.text(`+553198888${digits}`, 'c-9')).status, 200);
    await settled();
    const [{ entry }] = listener.bodies();
    const { value } = entry[0].changes[0];
    t.match(value.statuses, [
      {
        status: 'failed',
        recipient_id: `55318888${digits}`,
        biz_opaque_callback_data: 'c-9',
        errors: [{ code, title: String, message: String, error_data: { details: String }, href: String }],
      },
    ]);
    t.notOk('contacts' in value || 'recipient_user_id' in value.statuses[0]);
  });
}

t.test('to …0708 › all statuses come before the answer; to …0408 they overtake it', async (t) => {
  const { graph, listener, close } = await simulateWebhooks(t, { slow_ms: 60_000 });
  await graph.text('+5531988880708');
  t.equal(listener.posts().length, 3);
  let is_answered = false;
  const slow = t.rejects(
    graph.text('+5531988880408').finally(() => {
      is_answered = true;
    }),
  );
  // With the question that came first, of the webhook itself.
  await listener.received(1 + 3 + 3);
  t.notOk(is_answered);
  t.equal(listener.posts().length, 6);
  await close();
  await slow;
});

t.test('to …0001 › no status comes before the answer', async (t) => {
  const { graph, listener, settled } = await simulateWebhooks(t, { latency_ms: 100, webhook_delay_ms: 0 });
  let first_at = 0;
  listener.script((socket, request) => {
    if (first_at === 0) first_at = performance.now();
    takeAll(socket, request);
  });
  const started_at = performance.now();
  await graph.text('+5531988880001');
  t.equal((await settled()).length, 3);
  t.ok(first_at - started_at >= 99);
});

t.test('to …0711 › each body first breaks off, then comes whole', async (t) => {
  const { graph, listener, settled } = await simulateWebhooks(t);
  await graph.text('+5531988880711');
  const entries = await settled();
  t.match(
    entries.map(({ spoil, attempts }) => [spoil, attempts[0]?.status]),
    [
      ['cut', null],
      [null, 200],
      ['cut', null],
      [null, 200],
      ['cut', null],
      [null, 200],
    ],
  );
  t.same(listener.bodies().map(storyOf), ['sent', 'delivered', 'read'], 'no half body was whole');
  t.equal(listener.connections(), 1 + 6, 'the handshake, and each body twice');
});

t.test('to …0712 › each body comes badly signed, then rightly', async (t) => {
  const { graph, listener, settled } = await simulateWebhooks(t);
  await graph.text('+5531988880712');
  await settled();
  t.same(listener.posts().map(isSigned), [false, true, false, true, false, true]);
  for (const { headers } of listener.posts()) t.match(headers['x-hub-signature-256'], /^sha256=[0-9a-f]{64}$/);
});

t.test('to …0713 › the replies are the recipient’s, with text and media', async (t) => {
  const { graph, listener, settled } = await simulateWebhooks(t);
  await graph.text('+5531988880713');
  await settled();
  const values = listener.bodies().map((body) => body.entry[0].changes[0].value);
  const [text, image] = values.flatMap(({ messages }) => messages ?? []);
  t.match(text, { from: '553188880713', from_user_id: /^BR\./, id: /^wamid\./, text: { body: /Olá/ } });
  t.match(image, {
    from: '553188880713',
    image: { id: /^\d+$/, mime_type: 'image/jpeg', sha256: String, url: /^https:/ },
  });
});

t.test('to …0715 › the person stops marketing; to …0716 they move to another number', async (t) => {
  const { graph, listener, settled } = await simulateWebhooks(t);
  await graph.text('+5531988880715');
  await graph.text('+5531988880716');
  await settled();
  const values = listener.bodies().map((body) => body.entry[0].changes[0].value);
  t.match(
    values.flatMap(({ user_preferences }) => user_preferences ?? []),
    [{ wa_id: '553188880715', user_id: /^BR\./, category: 'marketing_messages', value: 'stop', timestamp: Number }],
  );
  const moved = values.find(({ messages }) => messages);
  const { from, system } = moved.messages[0];
  t.match([from, system.type, system.wa_id], ['553188880716', 'user_changed_number', '553188889716']);
  t.not(system.user_id, system.previous_user_id);
  t.notOk('contacts' in moved);
});

t.test('POST /_webhooks/graph › a value is wrapped, a whole body goes as it is, both are signed', async (t) => {
  const { post, listener, settled } = await simulateWebhooks(t);
  await post('/_webhooks/graph', { messages: [{ odd: 'é/ü' }] });
  await post('/_webhooks/graph?field=account_update&channel=300000000000003', { event: 'ACCOUNT_DELETED' });
  await post('/_webhooks/graph', { object: 'page', entry: 'not even a list' });
  await post('/_webhooks/graph', [null]);
  await settled();
  const metadata = { display_phone_number: '553133330000', phone_number_id };
  const value = { messaging_product: 'whatsapp', metadata, messages: [{ odd: 'é/ü' }] };
  const bodies = new Map(listener.bodies().map((body) => [JSON.stringify(body.entry?.[0]?.changes ?? body), body]));
  t.ok(bodies.has(JSON.stringify([{ field: 'messages', value }])));
  t.ok(bodies.has(JSON.stringify([{ field: 'account_update', value: { event: 'ACCOUNT_DELETED' } }])));
  t.ok(bodies.has(JSON.stringify({ object: 'page', entry: 'not even a list' })));
  t.ok(bodies.has(JSON.stringify([{ field: 'messages', value: [null] }])));
  t.ok(listener.posts().every(isSigned));
});
