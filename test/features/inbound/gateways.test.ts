import { createHmac } from 'node:crypto';
import t from 'tap';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const hmac_key = 'webhook-key-of-the-tests';
const seconds = () => Math.floor(Date.now() / 1_000);

/** How each gateway tells of a message that was delivered, and of a text from a new person. */
const gateways = {
  waha: {
    credentials: { ...demo_values.waha, hmac_key },
    delivered: (id: string) => ({
      event: 'message.ack',
      session: 'demo',
      timestamp: Date.now(),
      payload: { id: `true_553188880001@c.us_${id}`, fromMe: true, ack: 2 },
    }),
    written: (id: string, number: string) => ({
      event: 'message.any',
      session: 'demo',
      timestamp: Date.now(),
      payload: {
        id: `false_${number}@c.us_${id}`,
        timestamp: seconds(),
        from: `${number}@c.us`,
        fromMe: false,
        body: 'Oi',
      },
    }),
  },
  zapi: {
    credentials: demo_values.zapi,
    delivered: (id: string) => ({
      type: 'MessageStatusCallback',
      instanceId: 'demo',
      status: 'RECEIVED',
      ids: [id],
      momment: Date.now(),
      phone: '553188880001',
    }),
    written: (id: string, number: string) => ({
      type: 'ReceivedCallback',
      instanceId: 'demo',
      messageId: id,
      phone: number,
      fromMe: false,
      momment: Date.now(),
      text: { message: 'Oi' },
    }),
  },
  wppconnect: {
    credentials: demo_values.wppconnect,
    delivered: (id: string) => ({
      event: 'onack',
      session: 'demo',
      id: { fromMe: true, remote: '553188880001@c.us', id, _serialized: `true_553188880001@c.us_${id}` },
      ack: 2,
    }),
    written: (id: string, number: string) => ({
      event: 'onmessage',
      session: 'demo',
      id: `false_${number}@c.us_${id}`,
      type: 'chat',
      body: 'Oi',
      t: seconds(),
      from: `${number}@c.us`,
      fromMe: false,
    }),
  },
};

type Name = keyof typeof gateways;

/** Called in as the channel says under `webhook`; WAHA signs. */
function callIn(name: Name, { webhook }: Body, body: unknown, headers?: Record<string, string>) {
  const text = JSON.stringify(body);
  const signature = createHmac('sha512', hmac_key).update(text).digest('hex');
  const right = name === 'waha' ? { 'x-webhook-hmac': signature } : {};
  const path = String(webhook.url).replace('http://conversar.test', '');
  return service.send(null, 'POST', path, text, { 'content-type': 'application/json', ...(headers ?? right) });
}

for (const [place, name] of (Object.keys(gateways) as Name[]).entries()) {
  const { credentials, delivered, written } = gateways[name];
  const number = `55319777${place}0001`;

  t.test(`${name} › an active start is delivered, and a person's text opens a receptive one`, async (t) => {
    const made = await company.post('/v1/channels', {
      name,
      provider: name,
      base_url: `${service.simulator.url}/${name}`,
      max_per_second: 100,
      credentials,
    });
    t.equal(made.status, 201);
    const channel = made.body;
    const in_path = name !== 'waha';
    t.equal(
      String(channel.webhook.url).endsWith(`/${channel.webhook.verify_token}`),
      in_path,
      'the token where it can be sent',
    );
    t.same(Object.keys(channel.webhook.headers), in_path ? [] : ['x-conversar-token']);

    const started = await company.start(
      { contact: { phone: '(31) 98888-0001' }, channel_id: channel.id, text: 'Olá!' },
      { prefer: 'wait=20' },
    );
    t.equal(started.status, 201);
    const { id } = started.body.first_message;
    const message = async () => (await company.get(`/v1/messages/${id}`)).body;
    const accepted = await eventually(message, ({ status }) => status === 'accepted');

    const report = delivered(accepted.provider_message_id);
    t.match(await callIn(name, { webhook: { url: `/v1/inbound/${channel.id}` } }, report, {}), { status: 401 });
    t.match(await callIn(name, channel, report), { status: 200 });
    t.match(await eventually(message, ({ status }) => status === 'delivered'), { status: 'delivered' });

    t.match(await callIn(name, channel, written('3A0000000000000A', number)), { status: 200 });
    const list = async () => (await company.get(`/v1/attendances?channel_id=${channel.id}&origin=receptive`)).body.data;
    const [receptive] = await eventually(list, (data: Body[]) => data.length > 0);
    t.match(receptive, { status: 'open', contact: { phone: /^\+55319?777/ }, service_window: { status: 'active' } });
  });
}
