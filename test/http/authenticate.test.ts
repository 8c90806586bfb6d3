import t from 'tap';
import { v7 as uuid } from 'uuid';
import { createApiKey } from '../../src/features/accounts/api-key.ts';
import { type Body, type Reply, startService } from '../support/service.ts';

const service = await startService(t, { with_lanes: false });
const company = await service.createCompany();
/** Every operation of the document, as a request that is well-formed but for its key. */
const operations = Object.entries(service.server.swagger().paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item as Record<string, Body>).map(([method, operation]) => ({
    method: method.toUpperCase(),
    path,
    url: path.replace(/\{\w+\}/g, uuid()),
    security: operation.security as Record<string, string[]>[] | undefined,
    description: String(operation.description),
  })),
);
// The door asks for the provider's own proof: see inbound/door.test.ts.
const of_v1 = operations.filter(({ path }) => path.startsWith('/v1/') && !path.startsWith('/v1/inbound/'));
const of_admin = operations.filter(({ path }) => path.startsWith('/admin/'));
const shape = ({ status, headers, body }: Reply) => ({
  status,
  scheme: headers['www-authenticate'],
  body: { ...body, request_id: null },
});

t.test('there are operations to test', async (t) => {
  t.ok(of_v1.length > 10);
  t.ok(of_admin.length >= 10);
});

t.test('401 unauthorized is the same for', async (t) => {
  const nobody = await service.send(null, 'GET', '/v1/contacts');
  t.match(nobody, { status: 401, body: { code: 'unauthorized', retryable: false } });
  const key_id = company.key.slice(4, 36).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const foreign = createApiKey(key_id);
  const keys: [string, string, (() => PromiseLike<unknown>)?][] = [
    ['junk', 'junk'],
    ['a key without its prefix', company.key.slice(4)],
    ['a key cut short', company.key.slice(0, -1)],
    ['a key with a wrong checksum', `${company.key.slice(0, -8)}${company.key.endsWith('0') ? '1' : '0'}0000000`],
    [
      'a key with a letter changed',
      company.key.replace(/^(cvs_.{34})(.)/, (_, start, x) => start + (x === 'A' ? 'B' : 'A')),
    ],
    ['a well-formed key that nobody has', createApiKey(uuid()).key],
    ['the id of a key with another secret', foreign.key],
    ["the operator's token", service.config.admin_token ?? ''],
  ];
  for (const [title, key] of keys) {
    t.test(title, async (t) => {
      t.same(shape(await service.send(key, 'GET', '/v1/contacts')), shape(nobody));
    });
  }
  for (const [title, change] of [
    ['a revoked key', { revoked_at: new Date() }],
    ['an expired key', { expires_at: new Date(Date.now() - 1) }],
  ] as const) {
    t.test(title, async (t) => {
      const client = await service.createClient();
      t.match(await client.get('/v1/contacts'), { status: 200 });
      await service.db('api_keys').where({ account_id: client.account_id }).update(change);
      t.same(shape(await client.get('/v1/contacts')), shape(nobody));
    });
  }
  for (const [title, authorization] of [
    ['another scheme', `Basic ${company.key}`],
    ['no scheme', company.key],
    ['two blanks', `Bearer  ${company.key}`],
    ['a key and something behind it', `Bearer ${company.key} x`],
    ['a scheme without a key', 'Bearer '],
  ] as const) {
    t.test(title, async (t) => {
      const reply = await service.send(null, 'GET', '/v1/contacts', undefined, {
        authorization,
      });
      t.same(shape(reply), shape(nobody));
    });
  }
});

t.test('the scheme is read in any case, as RFC 9110 says', async (t) => {
  for (const scheme of ['bearer', 'BEARER']) {
    const authorization = `${scheme} ${company.key}`;
    t.match(await service.send(null, 'GET', '/v1/contacts', undefined, { authorization }), { status: 200 });
  }
});

t.test('every operation answers 401, always the same, to whatever is no living key', async (t) => {
  const lost = async (change: Record<string, unknown>) => {
    const client = await service.createClient();
    await service.db('api_keys').where({ account_id: client.account_id }).update(change);
    return client.key;
  };
  const gone = await service.createClient();
  await service.send(service.config.admin_token, 'DELETE', `/admin/v1/accounts/${gone.account_id}`);
  const bad_checksum = `${company.key.slice(0, -1)}${company.key.endsWith('0') ? '1' : '0'}`;
  const keys = {
    none: null,
    junk: 'junk',
    'a wrong checksum': bad_checksum,
    'one that nobody has': createApiKey(uuid()).key,
    revoked: await lost({ revoked_at: new Date() }),
    expired: await lost({ expires_at: new Date(Date.now() - 1) }),
    'one of an account that is gone': gone.key,
    "the operator's token": service.config.admin_token,
  };
  const nobody = shape(await service.send(null, 'GET', '/v1/contacts'));
  for (const { method, path, url } of of_v1) {
    // Neither the query nor the body is looked at before the key.
    const body = method === 'GET' || method === 'DELETE' ? undefined : '{"no": "json';
    for (const [title, key] of Object.entries(keys))
      t.same(shape(await service.send(key, method, `${url}?strange=1`, body)), nobody, `${method} ${path}: ${title}`);
  }
  for (const { method, path, url } of of_admin) {
    const body = method === 'GET' || method === 'DELETE' ? undefined : '{"no": "json';
    for (const [title, key] of Object.entries({ ...keys, "the operator's token": company.key }))
      t.same(shape(await service.send(key, method, `${url}?strange=1`, body)), nobody, `${method} ${path}: ${title}`);
  }
});

t.test('every operation under /v1', async (t) => {
  const all = (await service.db('api_keys').where({ account_id: company.account_id }).first('scopes'))
    .scopes as string[];
  for (const { method, path, url, description } of of_v1) {
    const [, needed = ''] = /Needs the scope `(\S+)`/.exec(description) ?? [];
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    t.test(
      `${method} ${path} without a key: 401; without ${needed}: 403, before anything else is looked at`,
      async (t) => {
        t.ok(all.includes(needed), 'the document names its scope');
        t.match(await service.send(null, method, url, body), { status: 401 });
        const client = await service.createClient({ scopes: all.filter((scope) => scope !== needed) });
        const refused = await service.send(client.key, method, url, body);
        t.match(refused, { status: 403, body: { code: 'scope_missing' } });
        t.match(refused.body.detail, needed);
        const allowed = await service.createClient({ scopes: [needed] });
        // A stream that begins would not end for minutes: after an event that nobody knows it is refused.
        const answer = await service.send(allowed.key, method, url, body, { 'last-event-id': uuid() });
        t.notOk([401, 403].includes(answer.status));
      },
    );
  }
});

t.test('every operation under /admin takes the operator’s token alone', async (t) => {
  for (const { method, path, url } of of_admin) {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    t.test(`${method} ${path}`, async (t) => {
      for (const key of [null, company.key, 'operator-token-of-the-test']) {
        t.match(await service.send(key, method, url, body), { status: 401, body: { code: 'unauthorized' } });
      }
      t.notOk([401, 403].includes((await service.send(service.config.admin_token, method, url, body)).status));
    });
  }
});

t.test('without CONVERSAR_ADMIN_TOKEN there is no /admin: 404 route_not_found, whatever is sent', async (t) => {
  const closed = await startService(t, { with_lanes: false, env: { CONVERSAR_ADMIN_TOKEN: '' } });
  for (const { method, url } of of_admin) {
    for (const key of [null, '', 'operator-token-of-the-tests']) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {};
      const reply = await closed.server.inject({
        method: method as 'GET',
        url,
        headers: key === null ? {} : { authorization: `Bearer ${key}` },
        ...(body ? { payload: body } : {}),
      });
      t.equal(reply.statusCode, 404, `${method} ${url}`);
      t.equal(reply.json().code, 'route_not_found');
    }
  }
});
