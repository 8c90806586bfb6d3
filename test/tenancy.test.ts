import t, { type Test } from 'tap';
import { v7 as uuid } from 'uuid';
import { hashAccount } from './support/catalog.ts';
import { type Document, type Media, type Operation, resolve } from './support/document.ts';
import { type Body, type Company, type Reply, startService } from './support/service.ts';

/** Ids by what they name: `contact_id` → contact. */
type Ids = Record<string, string>;

const service = await startService(t, { with_lanes: false });
const document = service.server.swagger() as unknown as Document;
const operator = { authorization: 'Bearer operator-token-of-the-tests' };

/** One of each thing an account can have. */
async function furnish(company: Company, idempotency_key: string): Promise<Ids> {
  const started = await company.start({}, { 'idempotency-key': idempotency_key });
  if (started.status !== 201) throw new Error(started.text);
  const templates = await company.get('/v1/templates?limit=100');
  const template = templates.body.data.find((one: Body) => one.name === 'boas_vindas');
  const keys = await service.send(
    null,
    'GET',
    `/admin/v1/accounts/${company.account_id}/api-keys`,
    undefined,
    operator,
  );
  const endpoint = await company.post('/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/crm' });
  const delivery_id = uuid();
  await service.db('webhook_deliveries').insert({
    account_id: company.account_id,
    id: delivery_id,
    endpoint_id: endpoint.body.id,
    event_id: uuid(),
    event_type: 'contact.created',
    run_at: service.db.fn.now(),
    created_at: service.db.fn.now(),
  });
  return {
    endpoint: endpoint.body.id,
    delivery: delivery_id,
    account: company.account_id,
    api_key: keys.body.data[0].id,
    contact: started.body.contact.id,
    channel: company.official_id,
    team: company.team_id,
    template: template.id,
    attendance: started.body.id,
    message: started.body.first_message.id,
  };
}

const ours = await service.createCompany();
const theirs = await service.createCompany();
const our_ids = await furnish(ours, 'ours');
const their_ids = await furnish(theirs, 'theirs');
/** What stands in rows of theirs and nowhere else: no answer to us may hold it. */
const their_words = ['Vitima', '98765-0099', '31987650099', 'crm-vitima'];
for (const [path, body] of [
  [`contacts/${their_ids.contact}`, { name: 'Vitima', phone: '(31) 98765-0099', external_ref: 'crm-vitima' }],
  [`teams/${their_ids.team}`, { name: 'Equipe Vitima' }],
  [`channels/${their_ids.channel}`, { name: 'Canal Vitima' }],
  [`webhook-endpoints/${their_ids.endpoint}`, { description: 'Vitima' }],
] as const) {
  const { status, text } = await theirs.call('PATCH', `/v1/${path}`, body);
  if (status !== 200) throw new Error(text);
}
const missing_ids = Object.fromEntries(Object.keys(their_ids).map((kind) => [kind, uuid()]));

/** Bodies that we may send, with every id that a body of the operation can carry. */
const bodies: Record<string, (ids: Ids) => Body> = {
  startAttendance: ({ contact, channel, team, template }) => ({
    contact: { id: contact },
    channel_id: channel,
    team_id: team,
    template: { id: template },
    on_open: 'reuse',
  }),
  createTeam: ({ channel }) => ({
    name: `Equipe ${uuid()}`,
    channels: { scope: 'selected', channel_ids: [channel] },
  }),
  createChannel: ({ team }) => ({
    name: `Canal ${uuid()}`,
    provider: 'evolution',
    base_url: `${service.simulator.url}/evolution`,
    credentials: { api_key: 'key-of-the-tests', instance: 'tests' },
    default_team_id: team,
  }),
  updateTeam: ({ channel }) => ({ channels: { scope: 'selected', channel_ids: [channel] } }),
  updateChannel: ({ team }) => ({ default_team_id: team }),
  retryAttendance: ({ template }) => ({ template: { id: template } }),
  transferAttendance: ({ team }) => ({ team_id: team }),
  sendMessage: ({ template }) => ({ template: { id: template } }),
};

/** What our own attendance must be for the operation to get as far as its body. */
const fitting: Record<string, 'failed' | 'open'> = {
  retryAttendance: 'failed',
  transferAttendance: 'open',
  sendMessage: 'open',
};

/** Puts our attendance into the state that the operation is for. */
async function prepare({ operation }: Walked): Promise<void> {
  const status = fitting[operation.operationId];
  if (status) await service.db('attendances').where({ id: our_ids.attendance }).update({ status });
}

interface Walked {
  said: string;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  operation: Operation;
  path_kinds: string[];
  query_kinds: string[];
  body_places: string[];
}

const kindOf = (name: string) => name.replace(/^default_/, '').replace(/_ids?$/, '');

function parametersOf(operation: Operation, place: 'path' | 'query'): string[] {
  const parameters = (operation.parameters ?? []).map((parameter) => resolve(document, parameter));
  return parameters
    .filter((one) => one.in === place && (one.schema.format === 'uuid' || ['cursor', 'after'].includes(one.name)))
    .map(({ name }) => name);
}

/** Places of ids in a body, as `contact.id` or `channels.channel_ids`. */
function placesOf(schema: Body, path: string[] = []): string[] {
  const resolved = resolve(document, schema ?? {}) as Body;
  if (resolved.format === 'uuid') return [path.join('.')];
  const branches = [...(resolved.oneOf ?? []), ...(resolved.anyOf ?? []), ...(resolved.allOf ?? [])];
  const found = branches.flatMap((branch: Body) => placesOf(branch, path));
  if (resolved.items) found.push(...placesOf(resolved.items, path));
  for (const [name, member] of Object.entries(resolved.properties ?? {}))
    found.push(...placesOf(member, [...path, name]));
  return [...new Set<string>(found)];
}

const mediaOf = (operation: Operation): Media | undefined => operation.requestBody?.content['application/json'];

const operations: Walked[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    said: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase() as Walked['method'],
    path,
    operation,
    path_kinds: parametersOf(operation, 'path').map(kindOf),
    query_kinds: parametersOf(operation, 'query'),
    body_places: placesOf(mediaOf(operation)?.schema),
  })),
);

const fill = (path: string, ids: Ids) => path.replace(/\{(\w+)\}/g, (_, name: string) => ids[kindOf(name)] ?? name);

/** A body we may send: the one above, else the document's example; none where none is taken. */
function bodyOf({ operation }: Walked, ids: Ids): Body {
  const media = mediaOf(operation);
  if (!media) return undefined;
  const schema = resolve(document, media.schema as { $ref?: string }) as { examples?: unknown[] };
  return bodies[operation.operationId]?.(ids) ?? schema.examples?.[0] ?? {};
}

async function call(walked: Walked, url: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  if (url.startsWith('/admin/')) return service.send(null, walked.method, url, body, { ...operator, ...headers });
  const reply = await ours.call(walked.method, url, body, headers);
  const told = `${reply.text} ${JSON.stringify(reply.headers)}`;
  const leaked = their_words.filter((word) => told.includes(word));
  if (leaked.length > 0) throw new Error(`${walked.said} tells of another account: ${leaked}: ${told}`);
  return reply;
}

/** What an answer says once the ids asked for are taken out of it. */
function shapeOf({ status, text }: Reply, ids: Ids): { status: number; text: string } {
  const request_id = /"request_id":"[^"]+"/;
  const said = Object.values(ids).reduce((rest, id) => rest.replaceAll(id, 'ID'), text.replace(request_id, ''));
  return { status, text: said };
}

/** Sends the same with their ids and with ids of nothing: the answers must not tell them apart. */
async function compare(t: Test, walked: Walked, urlWith: (ids: Ids) => string, bodyWith: (ids: Ids) => Body) {
  const foreign = await call(walked, urlWith(their_ids), bodyWith(their_ids));
  const missing = await call(walked, urlWith(missing_ids), bodyWith(missing_ids));
  t.same(shapeOf(foreign, their_ids), shapeOf(missing, missing_ids), walked.said);
  return foreign;
}

// A key's use is written down once a minute: not while this compares.
await service
  .db('api_keys')
  .where({ account_id: theirs.account_id })
  .update({ last_used_at: new Date(Date.now() + 3_600_000) });
const untouched = await hashAccount(service.settings, theirs.account_id);
const seesNothingChanged = async (t: Test) =>
  t.same(await hashAccount(service.settings, theirs.account_id), untouched, 'their rows are as they were');

/** The operator may reach every account, but not one account's keys through another. */
const inOurAccount = (walked: Walked, ids: Ids): Ids =>
  walked.path.startsWith('/admin/') ? { ...ids, account: our_ids.account ?? '' } : ids;

t.test('an id of another account in a path is answered as one of nothing', async (t) => {
  const reached = operations.filter(
    ({ path, path_kinds }) =>
      path_kinds.length > 0 &&
      // The door knows no account: whoever cannot sign is answered alike, whatever the channel.
      !path.startsWith('/v1/inbound/') &&
      (!path.startsWith('/admin/') || path_kinds.some((kind) => kind !== 'account')),
  );
  t.ok(reached.length > 5);
  for (const walked of reached) {
    for (const kind of walked.path_kinds) t.ok(their_ids[kind], `${walked.said}: there is a ${kind} to ask for`);
    const reply = await compare(
      t,
      walked,
      (ids) => fill(walked.path, inOurAccount(walked, ids)),
      () => bodyOf(walked, our_ids),
    );
    t.equal(reply.status, 404, walked.said);
    if (walked.method === 'GET')
      t.equal((await call(walked, fill(walked.path, our_ids), undefined)).status, 200, `${walked.said}: ours is there`);
  }
  await seesNothingChanged(t);
});

t.test('an id of another account in a query is answered as one of nothing', async (t) => {
  let compared = 0;
  // A stream has no end to compare: features/events/stream-events.test.ts asks there.
  for (const walked of operations.filter(({ operation }) => operation.operationId !== 'streamEvents')) {
    for (const name of walked.query_kinds.filter((one) => one !== 'cursor' && one !== 'after')) {
      const path = fill(walked.path, our_ids);
      const reply = await compare(
        t,
        walked,
        (ids) => `${path}?${name}=${ids[kindOf(name)]}`,
        () => undefined,
      );
      t.same(reply.body, { data: [], next_cursor: null }, `${walked.said} ${name}`);
      const own = await call(walked, `${path}?${name}=${our_ids[kindOf(name)]}`, undefined);
      t.ok(own.body.data.length > 0, `${walked.said} ${name}: ours is found`);
      compared += 1;
    }
  }
  t.ok(compared > 2);
  await seesNothingChanged(t);
});

t.test('a cursor of another account shows nothing of it', async (t) => {
  const paged = operations.filter(
    ({ path, query_kinds }) => query_kinds.includes('cursor') && !path.startsWith('/admin/'),
  );
  t.ok(paged.length > 4);
  for (const walked of paged) {
    for (const id of [...Object.values(their_ids), 'ffffffff-ffff-7fff-bfff-ffffffffffff']) {
      const cursor = Buffer.from(`1:${id}`).toString('base64url');
      const { status, text } = await call(walked, `${fill(walked.path, our_ids)}?cursor=${cursor}`, undefined);
      t.equal(status, 200, walked.said);
      for (const [kind, their_id] of Object.entries(their_ids))
        t.notOk(text.includes(their_id), `${walked.said}: ${kind}`);
    }
  }
  await seesNothingChanged(t);
});

t.test('a body with an id of another account is answered as one of nothing', async (t) => {
  const with_ids = operations.filter(({ path, body_places }) => body_places.length > 0 && !path.startsWith('/admin/'));
  t.ok(with_ids.length >= 3);
  for (const walked of with_ids) {
    await prepare(walked);
    const own = await call(walked, fill(walked.path, our_ids), bodyOf(walked, our_ids));
    t.ok(own.status < 300, `${walked.said} with our ids: ${own.text}`);
    for (const place of walked.body_places) {
      const [name = '', parent = ''] = place.split('.').reverse();
      const kind = kindOf(name === 'id' ? parent : name);
      const only = (ids: Ids) => ({ ...our_ids, [kind]: ids[kind] ?? '' });
      const sent = JSON.stringify(bodyOf(walked, only(their_ids)));
      t.ok(sent.includes(their_ids[kind] ?? '?'), `${walked.said}: a body with ${place} is sent`);
      await prepare(walked);
      const reply = await compare(
        t,
        walked,
        () => fill(walked.path, our_ids),
        (ids) => bodyOf(walked, only(ids)),
      );
      t.match(reply, { status: 404, body: { code: `${kind}_not_found` } }, `${walked.said}: ${place}`);
    }
  }
  await seesNothingChanged(t);
});

t.test('an event of another account is no place in our feed', async (t) => {
  const { id } = await service.db('events').where({ account_id: theirs.account_id }).first('id');
  const walked = operations.find(({ operation }) => operation.operationId === 'listEvents');
  if (!walked) throw new Error('there is no feed');
  t.ok(walked.query_kinds.includes('after'));
  const [foreign, missing] = [await call(walked, `/v1/events?after=${id}`, undefined), uuid()];
  const nothing = await call(walked, `/v1/events?after=${missing}`, undefined);
  t.same(shapeOf(foreign, { id }), shapeOf(nothing, { id: missing }));
  t.equal(foreign.status, 404);
  // Their place in the order of all events is a place in ours: it shows what is ours and nothing else.
  const { body: page } = await theirs.get('/v1/events?limit=1');
  const { status, body } = await call(walked, `/v1/events?limit=100&after=${page.next_cursor}`, undefined);
  t.equal(status, 200);
  const their_events = await service.db('events').where({ account_id: theirs.account_id }).pluck('id');
  t.same(
    body.data.filter((event: Body) => their_events.includes(event.id)),
    [],
  );
  await seesNothingChanged(t);
});

t.test("the door of another account's channel takes nothing that we cannot sign", async (t) => {
  const doors = operations.filter(({ path, method }) => path.startsWith('/v1/inbound/') && method === 'POST');
  t.equal(doors.length, 2);
  for (const walked of doors) {
    const { verify_token } = (await ours.get(`/v1/channels/${our_ids.channel}`)).body.webhook;
    for (const ids of [their_ids, missing_ids]) {
      const url = fill(walked.path, ids).replace('token', verify_token);
      const reply = await call(walked, url, '{}', { 'x-conversar-token': verify_token });
      t.match(reply, { status: 401, body: { code: 'inbound_unauthenticated' } }, walked.said);
    }
  }
  await seesNothingChanged(t);
});

/** Theirs first, then ours, byte for byte the same request. */
t.test("another account's Idempotency-Key is as good as new, on every POST", async (t) => {
  const posts = operations.filter(({ method, path }) => method === 'POST' && path.startsWith('/v1/'));
  const tried = posts.filter(({ path }) => !path.startsWith('/v1/inbound/'));
  t.ok(tried.length > 10);
  const sent = tried.map((walked) => ({ walked, url: fill(walked.path, their_ids), body: bodyOf(walked, their_ids) }));
  const headersOf = ({ operation }: Walked) => ({ 'idempotency-key': `theirs-${operation.operationId}` });
  for (const { walked, url, body } of sent) await theirs.call('POST', url, body, headersOf(walked));
  const before = await hashAccount(service.settings, theirs.account_id);
  for (const { walked, url, body } of sent) {
    const reply = await call(walked, url, body, headersOf(walked));
    t.equal(reply.headers['idempotent-replayed'], undefined, walked.said);
    t.not(reply.body.code, 'idempotency_key_reused', walked.said);
    if (walked.path_kinds.length > 0) t.equal(reply.status, 404, `${walked.said}: ${reply.text}`);
  }
  const started = await ours.start({ contact: { phone: '(31) 98888-0042' } }, { 'idempotency-key': 'theirs' });
  t.equal(started.status, 201);
  t.equal(started.headers['idempotent-replayed'], undefined);
  t.same(await hashAccount(service.settings, theirs.account_id), before, 'their rows are as they were');
});
