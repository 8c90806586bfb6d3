import t from 'tap';
import { v7 as uuid } from 'uuid';
import { scopes } from '../../../src/features/accounts/accounts.schema.ts';
import { type Body, type Reply, startService } from '../../support/service.ts';

const service = await startService(t);
const call = (method: string, url: string, body?: unknown): Promise<Reply> =>
  service.send(service.config.admin_token, method, `/admin/v1/accounts${url}`, body);
const addAccount = async (body: Body = { name: 'Loja Exemplo' }): Promise<Body> => (await call('POST', '', body)).body;
const missing = uuid();

t.test('accounts', async (t) => {
  t.test('POST 201 with the account, and GET shows it', async (t) => {
    const { status, headers, body } = await call('POST', '', { name: 'Loja Exemplo' });
    t.equal(status, 201);
    t.equal(headers.location, `/admin/v1/accounts/${body.id}`);
    t.match(body, { name: 'Loja Exemplo', default_country: 'BR', starts_per_second: 500, starts_burst: 1000 });
    t.same(Object.keys(body).toSorted(), [
      'created_at',
      'default_country',
      'id',
      'name',
      'starts_burst',
      'starts_per_second',
      'updated_at',
    ]);
    t.same((await call('GET', `/${body.id}`)).body, body);
  });
  t.test('GET lists them, newest first, page by page', async (t) => {
    const made = [await addAccount(), await addAccount(), await addAccount()];
    const first = await call('GET', '?limit=2');
    t.same(first.body.data, made.slice(1).reverse());
    const next = await call('GET', `?limit=1&cursor=${first.body.next_cursor}`);
    t.same(next.body.data, made.slice(0, 1));
    t.match(await call('GET', '?cursor=x'), { status: 400, body: { code: 'cursor_invalid' } });
  });
  t.test('PATCH changes what is named and leaves the rest', async (t) => {
    const account = await addAccount();
    const { status, body } = await call('PATCH', `/${account.id}`, { name: 'Outra' });
    t.equal(status, 200);
    t.match(body, { name: 'Outra', default_country: 'BR', created_at: account.created_at });
    t.match((await call('PATCH', `/${account.id}`, { default_country: 'PT' })).body, {
      name: 'Outra',
      default_country: 'PT',
    });
  });
  t.test(
    'limits on starts: two seconds’ worth at once unless said otherwise, 0 for none, and PATCH moves each alone',
    async (t) => {
      const limits = { starts_per_second: 10, starts_burst: 20 };
      const { id, ...made } = await addAccount({ name: 'x', starts_per_second: 10 });
      t.match(made, limits);
      t.match(await addAccount({ name: 'x', starts_per_second: 0 }), { starts_per_second: 0, starts_burst: 1 });
      t.match(await addAccount({ name: 'x', starts_burst: 7 }), { starts_per_second: 500, starts_burst: 7 });
      t.match((await call('PATCH', `/${id}`, { starts_per_second: 0 })).body, { ...limits, starts_per_second: 0 });
      t.match((await call('PATCH', `/${id}`, { starts_burst: 5 })).body, { starts_per_second: 0, starts_burst: 5 });
      for (const [member, value] of [
        ['starts_per_second', -1],
        ['starts_per_second', 100_001],
        ['starts_per_second', 0.5],
        ['starts_per_second', null],
        ['starts_burst', 0],
        ['starts_burst', 1_000_001],
      ] as const) {
        const reply = await call('PATCH', `/${id}`, { [member]: value });
        t.match(reply, { status: 400, body: { errors: [{ pointer: `/${member}` }] } }, `${member} ${value}`);
      }
    },
  );
  t.test('a number is read by the default country of its account', async (t) => {
    const client = await service.createClient({ default_country: 'PT' });
    t.match((await client.post('/v1/contacts', { phone: '912 345 678' })).body, { phone: '+351912345678' });
  });
  t.test('refuses what does not fit', async (t) => {
    const { id } = await addAccount();
    for (const [method, url, body, pointer] of [
      ['POST', '', {}, '/name'],
      ['POST', '', { name: '' }, '/name'],
      ['POST', '', { name: 'x', plan: 'gold' }, '/plan'],
      ['POST', '', { name: 'x', default_country: 'br' }, '/default_country'],
      ['POST', '', { name: 'x', default_country: 'BRA' }, '/default_country'],
      ['PATCH', `/${id}`, {}, ''],
      ['PATCH', `/${id}`, { name: null }, '/name'],
    ] as const) {
      const reply = await call(method, url, body);
      t.match(reply, { status: 400, body: { errors: [{ pointer }] } }, `${method} ${JSON.stringify(body)}`);
    }
    for (const [method, url] of [
      ['POST', ''],
      ['PATCH', `/${id}`],
    ] as const) {
      const unknown = { status: 422, body: { code: 'country_unknown', errors: [{ pointer: '/default_country' }] } };
      t.match(await call(method, url, { name: 'x', default_country: 'XX' }), unknown);
    }
  });
  t.test('answers 404 account_not_found for one that is not there', async (t) => {
    for (const [method, url, body] of [
      ['GET', `/${missing}`, undefined],
      ['PATCH', `/${missing}`, { name: 'x' }],
      ['DELETE', `/${missing}`, undefined],
      ['GET', `/${missing}/api-keys`, undefined],
      ['POST', `/${missing}/api-keys`, { name: 'x' }],
    ] as const) {
      t.match(await call(method, url, body), { status: 404, body: { code: 'account_not_found' } }, `${method} ${url}`);
    }
  });
});

t.test('API keys', async (t) => {
  const account = await addAccount();
  const base = `/${account.id}/api-keys`;

  t.test('POST 201 shows the key, and nothing ever shows it again', async (t) => {
    const { status, headers, body } = await call('POST', base, { name: 'CRM' });
    t.equal(status, 201);
    t.equal(headers.location, `/admin/v1/accounts${base}/${body.id}`);
    t.match(body, { account_id: account.id, name: 'CRM', expires_at: null, revoked_at: null, last_used_at: null });
    t.same(body.scopes, scopes, 'all, unless said otherwise');
    t.match(await service.send(body.key, 'GET', '/v1/contacts'), { status: 200 });
    const { key, ...shown } = body;
    const answers = [await call('GET', `${base}/${body.id}`), await call('GET', base)];
    answers.push(await call('PATCH', `${base}/${body.id}`, { name: 'CRM 2' }));
    t.same({ ...answers[0]?.body, last_used_at: null }, shown);
    t.match(answers[0]?.body.last_used_at, /Z$/, 'but when it was used');
    answers.push(await call('DELETE', `${base}/${body.id}`));
    for (const { text } of answers) t.notOk(text.includes(key.slice(37, 80)));
  });
  t.test('takes scopes and an expiry', async (t) => {
    const given = { name: 'x', scopes: ['contacts:read'], expires_at: '2999-01-01T00:00:00.000Z' };
    t.match((await call('POST', base, given)).body, given);
  });
  t.test('takes a limit of its own, and gives it up with null', async (t) => {
    const add = async (given: Body) => (await call('POST', base, { name: 'x', ...given })).body;
    t.match(await add({}), { starts_per_second: null, starts_burst: null });
    t.match(await add({ starts_per_second: 5, starts_burst: null }), { starts_per_second: 5, starts_burst: null });
    const { id, ...made } = await add({ starts_per_second: 5 });
    t.match(made, { starts_per_second: 5, starts_burst: 10 });
    const { body } = await call('PATCH', `${base}/${id}`, { starts_per_second: null });
    t.match(body, { starts_per_second: null, starts_burst: 10 });
    t.match(await call('PATCH', `${base}/${id}`, { starts_per_second: 0 }), {
      status: 400,
      body: { errors: [{ pointer: '/starts_per_second' }] },
    });
  });
  t.test('PATCH renames it, and sets or clears its expiry', async (t) => {
    const { body } = await call('POST', base, { name: 'x' });
    const patch = async (change: Body) => (await call('PATCH', `${base}/${body.id}`, change)).body;
    const expires_at = '2999-01-01T00:00:00.000Z';
    t.match(await patch({ expires_at }), { name: 'x', expires_at });
    t.match(await patch({ name: 'y' }), { name: 'y', expires_at }, 'what is absent stays');
    t.match(await patch({ expires_at: null }), { name: 'y', expires_at: null }, 'null clears');
  });
  t.test('DELETE revokes it at once; it stays listed, and the first time stands', async (t) => {
    const { body } = await call('POST', base, { name: 'x' });
    const first = await call('DELETE', `${base}/${body.id}`);
    t.match(first, { status: 200, body: { revoked_at: /Z$/ } });
    t.match(await service.send(body.key, 'GET', '/v1/contacts'), { status: 401 });
    t.same((await call('DELETE', `${base}/${body.id}`)).body, first.body);
    t.same((await call('GET', `${base}/${body.id}`)).body, first.body);
  });
  t.test('refuses what does not fit', async (t) => {
    for (const [body, pointer] of [
      [{}, '/name'],
      [{ name: 'x', scopes: [] }, '/scopes'],
      [{ name: 'x', scopes: ['root'] }, '/scopes/0'],
      [{ name: 'x', scopes: ['teams:read', 'teams:read'] }, '/scopes'],
      [{ name: 'x', expires_at: 'tomorrow' }, '/expires_at'],
      [{ name: 'x', expires_at: '2999-12-31T23:59:60Z' }, '/expires_at'],
    ] as const) {
      const reply = await call('POST', base, body);
      t.match(reply, { status: 400, body: { errors: [{ pointer }] } }, JSON.stringify(body));
    }
    const { body: key } = await call('POST', base, { name: 'x' });
    for (const [method, url] of [
      ['POST', base],
      ['PATCH', `${base}/${key.id}`],
    ] as const) {
      t.match(await call(method, url, { name: 'x', expires_at: '2020-01-01T00:00:00Z' }), {
        status: 422,
        body: { code: 'expiry_in_the_past', errors: [{ pointer: '/expires_at' }] },
      });
    }
  });
  t.test('answers 404 api_key_not_found for a missing one and for one of another account', async (t) => {
    const other = await addAccount();
    const { body: theirs } = await call('POST', `/${other.id}/api-keys`, { name: 'x' });
    for (const id of [missing, theirs.id]) {
      for (const [method, body] of [
        ['GET', undefined],
        ['PATCH', { name: 'y' }],
        ['DELETE', undefined],
      ] as const) {
        const reply = await call(method, `${base}/${id}`, body);
        t.match(reply, { status: 404, body: { code: 'api_key_not_found' } }, `${method} ${id}`);
      }
    }
    t.match((await call('GET', `/${other.id}/api-keys/${theirs.id}`)).body, { name: 'x', revoked_at: null });
  });
});

t.test('DELETE of an account removes everything it owns, and nothing of others', async (t) => {
  const [gone, other] = [await service.createCompany(), await service.createCompany()];
  for (const company of [gone, other]) {
    const contact = { phone: '31988880001', name: 'Ana' };
    await company.start({ contact }, { prefer: 'wait=20', 'idempotency-key': 'k1' });
    const text = { channel_id: company.unofficial_id, text: 'Olá!' };
    await company.start({ contact, ...text }, { prefer: 'wait=20' });
    const channels = { scope: 'selected', channel_ids: [company.official_id] };
    await company.post('/v1/teams', { name: 'x', channels });
    const { account_id, official_id: channel_id } = company;
    const common = { account_id, channel_id, received_at: new Date() };
    const body = Buffer.from('sealed');
    const kept = { reason: 'of the test', state: 'quarantined' };
    await service.db('inbound_bodies').insert({ ...common, ...kept, id: uuid(), body });
    const item = { body_id: uuid(), place: 0, event: body, kind: 'message', run_at: new Date() };
    await service.db('inbound_items').insert({ ...common, ...kept, ...item });
    const endpoint = await company.post('/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/crm' });
    const delivery = {
      account_id,
      id: uuid(),
      endpoint_id: endpoint.body.id,
      event_id: uuid(),
      event_type: 'contact.created',
    };
    await service.db('webhook_deliveries').insert({
      ...delivery,
      ...{ state: 'delivered', delivered_at: new Date(), run_at: new Date(), created_at: new Date() },
    });
    const attempt = { account_id, delivery_id: delivery.id, number: 1, started_at: new Date(), duration_ms: 1 };
    await service.db('webhook_attempts').insert(attempt);
  }
  const { rows: tables } = await service.db.raw<{ rows: { name: string }[] }>(
    `select table_name as name from information_schema.columns where table_schema = 'public' and column_name = 'account_id'`,
  );
  t.ok(tables.length > 10);
  const countOf = async (account_id: string) =>
    Object.fromEntries(
      await Promise.all(
        tables.map(async ({ name }) => [
          name,
          (await service.db(name).where({ account_id }).select('account_id')).length,
        ]),
      ),
    );
  const [mine, theirs] = [await countOf(gone.account_id), await countOf(other.account_id)];
  t.same(
    Object.entries(mine).filter(([, count]) => count === 0),
    [],
    'there is a row in each table',
  );
  const { status, text } = await call('DELETE', `/${gone.account_id}`);
  t.equal(status, 204);
  t.equal(text, '');
  t.same(new Set(Object.values(await countOf(gone.account_id))), new Set([0]));
  t.same(await countOf(other.account_id), theirs);
  t.match(await gone.get('/v1/contacts'), { status: 401 });
  t.match(await other.get('/v1/contacts'), { status: 200 });
  t.match(await call('GET', `/${gone.account_id}`), { status: 404 });
});
