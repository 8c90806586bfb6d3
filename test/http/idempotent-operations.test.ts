import t from 'tap';
import { v7 as uuid } from 'uuid';
import { type Document, resolve } from '../support/document.ts';
import { countRows } from '../support/refusal.ts';
import { type Body, startService } from '../support/service.ts';

const service = await startService(t, { with_lanes: false });
const document = service.server.swagger() as unknown as Document;
const company = await service.createCompany();
const operator = { authorization: 'Bearer operator-token-of-the-tests' };
let people = 0;
const nextPhone = () => {
  people += 1;
  return `319${7000 + people}0001`;
};

/** Its path, and a body that is taken. */
interface Call {
  url: string;
  body?: Body;
}

const start = async (over: Body = {}): Promise<Body> => {
  const contact = { phone: nextPhone() };
  return (await company.start({ contact, channel_id: company.unofficial_id, text: 'Olá!', ...over })).body;
};
/** An attendance whose first message is in this state. */
async function startWith(state: 'failed' | 'unknown'): Promise<Body> {
  const attendance = await start();
  const id = attendance.first_message.id;
  const failed = { state: 'settled', failed_at: new Date(), error: '{"code": "message_invalid", "provider": null}' };
  const facts = state === 'failed' ? failed : { state, unknown_at: new Date(), run_at: new Date() };
  await service.db('messages').where({ id }).update(facts);
  if (state === 'failed') await service.db('attendances').where({ id: attendance.id }).update({ status: 'failed' });
  return attendance;
}

const endpoint = async (): Promise<string> => {
  const { body } = await company.post('/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/crm' });
  return `/v1/webhook-endpoints/${body.id}`;
};

/** One call of each POST there is, by its operation. A new POST needs a line here: that is what this test is for. */
const calls: Record<string, () => Promise<Call>> = {
  createContact: async () => ({ url: '/v1/contacts', body: { phone: nextPhone() } }),
  createTeam: async () => ({ url: '/v1/teams', body: { name: uuid() } }),
  createChannel: async () => ({
    url: '/v1/channels',
    body: {
      name: uuid(),
      provider: 'evolution',
      base_url: `${service.simulator.url}/evolution`,
      credentials: { api_key: 'simulator-key', instance: 'demo' },
    },
  }),
  checkChannel: async () => ({ url: `/v1/channels/${company.unofficial_id}/check` }),
  syncTemplates: async () => ({ url: `/v1/channels/${company.official_id}/templates/sync` }),
  previewTemplate: async () => {
    const { body } = await company.get('/v1/templates?limit=100');
    const template = body.data.find((one: Body) => one.name === 'boas_vindas');
    return { url: `/v1/templates/${template.id}/preview`, body: {} };
  },
  startAttendance: async () => ({
    url: '/v1/attendances',
    body: {
      contact: { phone: nextPhone() },
      channel_id: company.unofficial_id,
      team_id: company.team_id,
      text: 'Olá!',
    },
  }),
  retryAttendance: async () => ({ url: `/v1/attendances/${(await startWith('failed')).id}/retry` }),
  transferAttendance: async () => ({
    url: `/v1/attendances/${(await start()).id}/transfer`,
    body: { team_id: company.other_team_id },
  }),
  closeAttendance: async () => ({ url: `/v1/attendances/${(await start()).id}/close` }),
  sendMessage: async () => ({ url: `/v1/attendances/${(await start()).id}/messages`, body: { text: 'Já volto.' } }),
  resolveMessage: async () => {
    const { first_message } = await startWith('unknown');
    return { url: `/v1/messages/${first_message.id}/resolve`, body: { action: 'resend' } };
  },
  createWebhookEndpoint: async () => ({ url: '/v1/webhook-endpoints', body: { url: 'http://127.0.0.1:9/crm' } }),
  rotateWebhookSecret: async () => ({ url: `${await endpoint()}/rotate-secret` }),
  testWebhookEndpoint: async () => ({ url: `${await endpoint()}/test` }),
  replayWebhookEvents: async () => ({ url: `${await endpoint()}/replay`, body: { since: '2026-01-01T00:00:00.000Z' } }),
  redeliverWebhook: async () => {
    const { account_id } = company;
    const endpoint_id = (await endpoint()).split('/').at(-1) ?? '';
    const id = uuid();
    const made = { account_id, id, endpoint_id, event_id: uuid(), event_type: 'contact.created' };
    await service.db('webhook_deliveries').insert({ ...made, run_at: new Date(), created_at: new Date() });
    return { url: `/v1/webhook-deliveries/${id}/redeliver` };
  },
  createAccount: async () => ({ url: '/admin/v1/accounts', body: { name: 'Loja Exemplo' } }),
  createApiKey: async () => ({ url: `/admin/v1/accounts/${company.account_id}/api-keys`, body: { name: 'crm' } }),
};

const run = ({ url, body }: Call, headers: Record<string, string>) =>
  url.startsWith('/admin/')
    ? service.send(null, 'POST', url, body, { ...operator, ...headers })
    : company.post(url, body, headers);

/** The door is for providers, who repeat without keys: see features/inbound. */
const posts = Object.entries(document.paths).flatMap(([path, { post }]) =>
  post && !path.startsWith('/v1/inbound/') ? [{ path, operation: post }] : [],
);
const keyOf = (operation: (typeof posts)[number]['operation']) =>
  (operation.parameters ?? []).map((one) => resolve(document, one)).find(({ name }) => name === 'Idempotency-Key');

t.test('every POST of the document is walked here, and takes an Idempotency-Key', async (t) => {
  t.same(posts.map(({ operation }) => operation.operationId).toSorted(), Object.keys(calls).toSorted());
  for (const { path, operation } of posts) t.ok(keyOf(operation), path);
});

/** The account's rows are what a repeat may not add to. */
const rowsOf = async () => {
  const { idempotency_keys: kept, ...rows } = await countRows(service);
  return { kept, rows };
};

for (const { path, operation } of posts) {
  const is_run_again = keyOf(operation)?.description?.startsWith('Taken and not kept');
  const call = calls[operation.operationId];
  if (!call) continue;

  if (is_run_again) {
    t.test(`POST ${path} is run again under its key, as the document says, and makes nothing`, async (t) => {
      const made = await call();
      const headers = { 'idempotency-key': uuid() };
      // What the provider says may be news, and news are told.
      const { events: _, ...before } = (await rowsOf()).rows;
      for (let time = 0; time < 2; time += 1) {
        const reply = await run(made, headers);
        t.equal(reply.status, 200, reply.text);
        t.notOk('idempotent-replayed' in reply.headers);
      }
      const { events: __, ...after } = (await rowsOf()).rows;
      t.same(after, before);
      t.same(await service.db('idempotency_keys').where({ key: headers['idempotency-key'] }), []);
    });
    continue;
  }

  t.test(`POST ${path} answers a repeat under its key with what it answered, and does nothing more`, async (t) => {
    const made = await call();
    const headers = { 'idempotency-key': uuid() };
    const first = await run(made, headers);
    t.ok(first.status < 300, first.text);
    t.notOk('idempotent-replayed' in first.headers);
    const before = await rowsOf();
    const events = await service.db('events').count('* as n');
    const again = await run(made, { ...headers, 'accept-language': 'pt-BR' });
    t.equal(again.headers['idempotent-replayed'], 'true');
    const success = operation.responses[String(first.status)];
    t.ok(resolve(document, success ?? { description: '' }).headers?.['Idempotent-Replayed'], 'the document says so');
    const secret = first.body.key ?? first.body.secret;
    if (secret !== undefined) {
      t.match(again, { status: 409, body: { code: 'secret_already_shown' } });
      t.notOk(again.text.includes(secret), 'a secret is shown once');
    } else {
      t.equal(again.status, first.status);
      t.equal(again.text, first.text, 'the same bytes');
      t.equal(again.headers.location, first.headers.location);
    }
    t.same(await rowsOf(), before, 'no row more');
    t.same(await service.db('events').count('* as n'), events);
    const [kept] = await service.db('idempotency_keys').where({ key: headers['idempotency-key'] });
    t.ok(kept, 'kept, sealed');
    t.notOk(kept?.answer?.includes(String(first.body.id)));
    const other = await run({ ...made, body: `${JSON.stringify(made.body ?? {})} ` }, headers);
    t.match(other, { status: 422, body: { code: 'idempotency_key_reused' } }, 'other bytes');
  });

  t.test(`POST ${path}: eight twins at once do it once`, async (t) => {
    const made = await call();
    const before = await rowsOf();
    const headers = { 'idempotency-key': uuid() };
    const replies = await Promise.all(Array.from({ length: 8 }, () => run(made, headers)));
    const first = replies.filter((reply) => reply.headers['idempotent-replayed'] === undefined);
    t.equal(first.length, 1, 'one of them did it');
    t.ok((first[0]?.status ?? 500) < 300, first[0]?.text ?? '');
    t.equal(new Set(replies.filter((reply) => reply.status < 300).map(({ text }) => text)).size, 1);
    const after = await rowsOf();
    t.equal(after.kept, (before.kept ?? 0) + 1);
    const once = await call();
    const middle = await rowsOf();
    await run(once, {});
    const last = await rowsOf();
    const added = (from: Record<string, number>, to: Record<string, number>) =>
      Object.fromEntries(Object.keys(to).map((name) => [name, (to[name] ?? 0) - (from[name] ?? 0)]));
    t.same(added(before.rows, after.rows), added(middle.rows, last.rows), 'as many rows as without twins');
  });
}
