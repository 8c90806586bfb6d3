import { randomInt } from 'node:crypto';
import t from 'tap';
import { v7 as uuid } from 'uuid';
import { demo_values } from '../../../src/simulator/demo-values.ts';
import { onTheWire, signatureOf } from '../../support/inbound.ts';
import { countRows } from '../../support/refusal.ts';
import { eventually, startService } from '../../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
const url = `/v1/inbound/${company.official_id}`;
const json = { 'content-type': 'application/json' };
const body = onTheWire({ object: 'whatsapp_business_account', entry: [{ id: '1', changes: [], note: 'Olá/José' }] });
const post = (path: string, payload: string, headers: Record<string, string>) =>
  service.send(null, 'POST', path, payload, { ...json, ...headers });

t.test('GET /v1/inbound/{channel_id}: the handshake of Cloud API', async (t) => {
  const { body: channel } = await company.get(`/v1/channels/${company.official_id}`);
  const ask = (token: string, mode = 'subscribe') =>
    service.send(null, 'GET', `${url}?hub.mode=${mode}&hub.verify_token=${token}&hub.challenge=1158201444`);
  const good = await ask(channel.webhook.verify_token);
  t.match(good, { status: 200, text: '1158201444' });
  t.match(String(good.headers['content-type']), /^text\/plain/);
  t.match(await ask('another'), { status: 401, body: { code: 'inbound_unauthenticated' } });
  t.match(await ask(channel.webhook.verify_token, 'unsubscribe'), { status: 401 });
  const of_ours = '3F2504E0-4F89-41D3-9A0C-0305E82C3301';
  await service.db('channels').where({ id: channel.id }).update({ verify_token: of_ours });
  t.match(await ask(of_ours), { status: 200 }, 'a token in capitals is no id');
  await service.db('channels').where({ id: channel.id }).update({ verify_token: channel.webhook.verify_token });
  t.match(await service.send(null, 'GET', url), { status: 401 });
  t.match(await service.send(null, 'GET', `/v1/inbound/${uuid()}`), { status: 401 }, 'a channel that nobody has');
});

t.test('POST /v1/inbound/{channel_id}: a signed body is stored, sealed, and answered 200', async (t) => {
  t.match(await post(url, body, { 'x-hub-signature-256': signatureOf(body) }), { status: 200 });
  const [stored, more] = await service.db('inbound_bodies').select('*');
  t.notOk(more);
  t.match(stored, { channel_id: company.official_id, state: 'due' });
  t.notOk(stored?.body.includes('Jos'), 'nothing of it can be read in the database');
});

t.test('what is not signed by the provider is refused, and nothing is stored', async (t) => {
  const rows = await countRows(service);
  const good = signatureOf(body);
  const wrong: [string, Record<string, string>][] = [
    ['no signature', {}],
    ['upper case', { 'x-hub-signature-256': good.toUpperCase() }],
    ['no prefix', { 'x-hub-signature-256': good.slice(7) }],
    ['a digit short', { 'x-hub-signature-256': good.slice(0, -1) }],
    ['sha1', { 'x-hub-signature': good }],
    ['another secret', { 'x-hub-signature-256': signatureOf(body, 'another') }],
    ['another body', { 'x-hub-signature-256': signatureOf(`${body} `) }],
    ["the channel's token", { 'x-conversar-token': 'token-of-nobody' }],
  ];
  for (const [said, headers] of wrong)
    t.match(await post(url, body, headers), { status: 401, body: { code: 'inbound_unauthenticated' } }, said);
  for (let count = 0; count < 1_000; count += 1) {
    const place = 7 + randomInt(64);
    const letter = good[place] === 'a' ? 'b' : 'a';
    const mutated = good.slice(0, place) + letter + good.slice(place + 1);
    const { status } = await post(url, body, { 'x-hub-signature-256': mutated });
    if (status !== 401) t.fail(`${mutated} was taken`);
  }
  t.same(await countRows(service), rows);
});

t.test('the token of the channel lets a gateway in, in the header or in the path', async (t) => {
  const { body: channel } = await company.get(`/v1/channels/${company.unofficial_id}`);
  const { verify_token: token } = channel.webhook;
  const gateway = `/v1/inbound/${company.unofficial_id}`;
  t.match(await post(gateway, '{}', { 'x-conversar-token': token }), { status: 200 });
  t.match(await post(`${gateway}/${token}`, '{}', {}), { status: 200 });
  t.match(await post(gateway, '{}', {}), { status: 401 });
  t.match(await post(gateway, '{}', { 'x-conversar-token': `${token}x` }), { status: 401 });
  t.match(await post(`${gateway}/${'x'.repeat(32)}`, '{}', {}), { status: 401 });
  t.match(await post(`${url}/${token}`, '{}', {}), { status: 401 }, "another channel's token opens nothing");
});

t.test('a body of up to 3.5 MB is taken, whatever it calls itself; a larger one is 413', async (t) => {
  const large = JSON.stringify({ text: 'a'.repeat(3 * 1024 * 1024) });
  t.match(await post(url, large, { 'x-hub-signature-256': signatureOf(large), 'content-type': 'text/plain' }), {
    status: 200,
  });
  const too_large = JSON.stringify({ text: 'a'.repeat(4 * 1024 * 1024) });
  t.match(await post(url, too_large, { 'x-hub-signature-256': signatureOf(too_large) }), { status: 413 });
});

t.test('both secrets are good while they are rotated', async (t) => {
  const credentials = {
    ...demo_values.graph,
    app_secret: 'the-new-secret',
    previous_app_secret: demo_values.graph.app_secret,
  };
  t.match(await company.call('PATCH', `/v1/channels/${company.official_id}`, { credentials }), { status: 200 });
  t.match(await post(url, body, { 'x-hub-signature-256': signatureOf(body) }), { status: 200 });
  t.match(await post(url, body, { 'x-hub-signature-256': signatureOf(body, 'the-new-secret') }), { status: 200 });
  t.match(await post(url, body, { 'x-hub-signature-256': signatureOf(body, 'a-third') }), { status: 401 });
});

t.test(
  'a secret that was taken back opens nothing from that moment on, whoever was let in with it before',
  async (t) => {
    const withSecret = (app_secret: string) =>
      company.call('PATCH', `/v1/channels/${company.official_id}`, {
        credentials: { ...demo_values.graph, app_secret },
      });
    const knock = (secret: string) => post(url, body, { 'x-hub-signature-256': signatureOf(body, secret) });
    const rows = async () => (await service.db('inbound_bodies').select('id')).length;
    for (const [secret, before] of [
      ['secret-a', 'the-new-secret'],
      ['secret-b', 'secret-a'],
      ['secret-a', 'secret-b'],
    ] as const) {
      t.match(await withSecret(secret), { status: 200 });
      const stored = await rows();
      const answers = await Promise.all([before, secret, before, secret, secret].map(knock));
      t.same(
        answers.map(({ status }) => status),
        [401, 200, 401, 200, 200],
      );
      t.equal((await rows()) - stored, 3, 'what is refused is not stored');
    }
    t.match(await withSecret(demo_values.graph.app_secret), { status: 200 });
  },
);

t.test(
  '50 at once over two channels, signed and not: each gets its own answer, and what is signed is stored',
  async (t) => {
    const { body: channel } = await company.get(`/v1/channels/${company.unofficial_id}`);
    const before = (await service.db('inbound_bodies').select('id')).length;
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, place) => {
        const text = JSON.stringify({ place, text: 'ç'.repeat(place) });
        if (place % 2 === 0)
          return post(url, text, { 'x-hub-signature-256': signatureOf(text, place % 10 === 0 ? 'no' : undefined) });
        const token = place % 5 === 0 ? 'token-of-nobody' : channel.webhook.verify_token;
        return post(`/v1/inbound/${company.unofficial_id}`, text, { 'x-conversar-token': token });
      }),
    );
    t.same(
      answers.map(({ status }) => status),
      answers.map((_, place) => (place % 5 === 0 ? 401 : 200)),
    );
    const stored = await service.db('inbound_bodies').select('id', 'channel_id', 'body').orderBy('id');
    t.equal(stored.length - before, 40);
  },
);

t.test('a channel that was deleted takes nothing any more', async (t) => {
  const other = await service.createCompany();
  const door = `/v1/inbound/${other.official_id}`;
  const signed = { 'x-hub-signature-256': signatureOf(body) };
  t.match(await post(door, body, signed), { status: 200 });
  t.match(await post(door, body, signed), { status: 200 });
  t.match(await other.call('DELETE', `/v1/channels/${other.official_id}`), { status: 204 });
  t.match(await post(door, body, signed), { status: 401 });
  t.equal((await service.db('inbound_bodies').where({ channel_id: other.official_id })).length, 0);
});

t.test('a channel that is deleted while a body comes in answers as one that never was', async (t) => {
  const other = await service.createCompany();
  const deleting = await service.db.transaction();
  await deleting('channels').where({ account_id: other.account_id, id: other.official_id }).delete();
  const signed = { 'x-hub-signature-256': signatureOf(body) };
  const answer = post(`/v1/inbound/${other.official_id}`, body, signed);
  const waiting = () =>
    service.db.raw<{ rows: unknown[] }>(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%inbound_bodies%'`,
    );
  await eventually(waiting, ({ rows }) => rows.length > 0);
  await deleting.commit();
  t.match(await answer, { status: 401, body: { code: 'inbound_unauthenticated' } });
  t.equal((await service.db('inbound_bodies').where({ channel_id: other.official_id })).length, 0);
});
