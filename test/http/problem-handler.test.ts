import t from 'tap';
import { readLanguage, toProblem } from '../../src/http/problem-handler.ts';
import { startService } from '../support/service.ts';

t.test('Accept-Language chooses between English and Portuguese', async (t) => {
  const headers: [string | undefined, string][] = [
    [undefined, 'en'],
    ['', 'en'],
    ['*', 'en'],
    ['de', 'en'],
    ['en', 'en'],
    ['pt-BR', 'pt-BR'],
    ['PT-br', 'pt-BR'],
    ['pt', 'pt-BR'],
    ['pt-PT', 'pt-BR'],
    ['pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7', 'pt-BR'],
    ['en-US,en;q=0.9,pt-BR;q=0.8', 'en'],
    ['pt-BR;q=0.5, en;q=0.9', 'en'],
    ['de, pt;q=0.4', 'pt-BR'],
    ['pt;q=0', 'en'],
    ['pt;q=x', 'en'],
    ['ptx', 'en'],
  ];
  for (const [header, language] of headers) t.equal(readLanguage(header), language, String(header));
});

t.test('an accident says nothing of itself', async (t) => {
  const { kind, detail } = toProblem(new Error('secret at table users'));
  t.match(kind, { code: 'internal_error', status: 500, retryable: false });
  t.notMatch(detail.en, 'secret');
});

t.test('problems on the wire', async (t) => {
  const service = await startService(t, { with_lanes: false });
  const client = await service.createClient();
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  t.test('have all members, and the request id of the header', async (t) => {
    const { status, headers, body } = await client.post('/v1/contacts', { phone: 'ana' });
    t.equal(status, 422);
    t.equal(headers['content-type'], 'application/problem+json; charset=utf-8');
    t.equal(headers['content-language'], 'en');
    t.match(headers['x-request-id'], uuid);
    t.same(body, {
      type: 'urn:conversar:problem:phone_invalid',
      title: 'Not a phone number',
      status: 422,
      code: 'phone_invalid',
      detail: body.detail,
      request_id: headers['x-request-id'],
      errors: [{ pointer: '/phone', code: 'phone_invalid', detail: body.errors[0].detail }],
      retryable: false,
    });
  });
  t.test('speak Portuguese where it is preferred, in every part', async (t) => {
    const portuguese = { 'accept-language': 'pt-BR,pt;q=0.9,en;q=0.8' };
    const refused = await client.post('/v1/contacts', { phone: 'ana' }, portuguese);
    t.equal(refused.headers['content-language'], 'pt-BR');
    t.match(refused.body, { title: 'Número de telefone inválido', errors: [{ detail: /Envie dígitos/ }] });
    const invalid = await client.post('/v1/contacts', { nome: 'Ana' }, portuguese);
    t.match(invalid.body, { title: /não corresponde/, errors: [{ detail: /obrigatório/ }, { detail: /remova-o/ }] });
    const absent = await service.send(null, 'GET', '/v1/nada', undefined, portuguese);
    t.match(absent.body, { title: 'Caminho inexistente' });
    const keyless = await service.send(null, 'GET', '/v1/contacts', undefined, portuguese);
    t.match(keyless.body, { title: 'Sem chave de API válida' });
  });

  const requests: [string, string, string, string | undefined, Record<string, string>, number, string][] = [
    ['an unknown path', 'GET', '/v1/nothing', undefined, {}, 404, 'route_not_found'],
    ['the root', 'GET', '/', undefined, {}, 404, 'route_not_found'],
    ['a slash at the end', 'GET', '/v1/contacts/', undefined, {}, 400, 'validation_failed'],
    ['DELETE of a list', 'DELETE', '/v1/attendances', undefined, {}, 404, 'route_not_found'],
    ['PUT', 'PUT', '/v1/teams', '{}', {}, 404, 'route_not_found'],
    ['HEAD', 'HEAD', '/v1/teams', undefined, {}, 404, 'route_not_found'],
    ['OPTIONS', 'OPTIONS', '/v1/teams', undefined, {}, 404, 'route_not_found'],
    ['an id of 300 characters', 'GET', `/v1/contacts/${'x'.repeat(300)}`, undefined, {}, 400, 'malformed_url'],
    ['a path that cannot be decoded', 'GET', '/v1/contacts/%E0%A4%A', undefined, {}, 400, 'malformed_url'],
    ['an id that is none', 'GET', '/v1/contacts/42', undefined, {}, 400, 'validation_failed'],
    ['malformed JSON', 'POST', '/v1/contacts', '{"phone":', {}, 400, 'malformed_body'],
    ['text that is no JSON', 'POST', '/v1/contacts', 'phone=31', {}, 400, 'malformed_body'],
    ['__proto__', 'POST', '/v1/contacts', '{"phone":"31988880001","__proto__":{}}', {}, 400, 'malformed_body'],
    [
      '__proto__ in metadata',
      'POST',
      '/v1/contacts',
      '{"phone":"31988880001","metadata":{"a":{"__proto__":1}}}',
      {},
      400,
      'malformed_body',
    ],
    ['a list', 'POST', '/v1/contacts', '[]', {}, 400, 'validation_failed'],
    ['null', 'POST', '/v1/contacts', 'null', {}, 400, 'validation_failed'],
    ['no body', 'POST', '/v1/contacts', undefined, {}, 400, 'validation_failed'],
    ['an empty body', 'POST', '/v1/contacts', '', {}, 400, 'validation_failed'],
    [
      'a form',
      'POST',
      '/v1/contacts',
      'phone=31988880001',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    ['plain text', 'POST', '/v1/contacts', '{}', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['no content type', 'POST', '/v1/contacts', '{}', { 'content-type': '' }, 415, 'unsupported_media_type'],
    [
      'more than 256 KB',
      'POST',
      '/v1/contacts',
      JSON.stringify({ phone: '3'.repeat(256 * 1024) }),
      {},
      413,
      'body_too_large',
    ],
  ];
  for (const [title, method, url, body, headers, status, code] of requests) {
    t.test(`${title}: ${status} ${code}, as problem+json, with a request id, never cached`, async (t) => {
      const reply = await service.server.inject({
        method: method as 'GET',
        url,
        headers: {
          authorization: `Bearer ${client.key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: body }),
      });
      t.equal(reply.statusCode, status);
      t.match(reply.headers, {
        'content-type': 'application/problem+json; charset=utf-8',
        'x-request-id': uuid,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      if (method === 'HEAD') return;
      t.match(reply.json(), { code, status, request_id: reply.headers['x-request-id'] });
    });
  }

  t.test('a path that is none is told without its query, which may hold names and numbers', async (t) => {
    const { body } = await client.get('/v1/nothing?search=31988880001#x');
    t.match(body.detail, 'GET /v1/nothing is no operation');
    t.notMatch(JSON.stringify(body), '31988880001');
  });

  t.test('401 names the scheme', async (t) => {
    const { headers } = await service.send(null, 'GET', '/v1/contacts');
    t.match(headers['www-authenticate'], /^Bearer/);
  });
  t.test('without a database connection to be had: 503 database_unavailable, to be tried again', async (t) => {
    const full = await startService(t, {
      with_lanes: false,
      env: { CONVERSAR_POOL_MAX: '2' },
      acquire_timeout_ms: 2_000,
    });
    const client = await full.createClient();
    const held = [await full.db.transaction(), await full.db.transaction()];
    const reply = await client.get('/v1/contacts').finally(() => Promise.all(held.map((one) => one.rollback())));
    t.match(reply, {
      status: 503,
      headers: { 'retry-after': '2' },
      body: { code: 'database_unavailable', retryable: true },
    });
    t.match(await client.get('/v1/contacts'), { status: 200 }, 'and it is back at once');
  });
});
