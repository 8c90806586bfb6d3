import { Value } from '@sinclair/typebox/value';
import t, { type Test } from 'tap';
import { createHttpClient } from '../../src/outbound/http-client.ts';
import type { Provider, ProviderCall } from '../../src/providers/provider.ts';
import { type ProviderName, provider_names, registry } from '../../src/providers/registry.ts';
import { handedOver, letThrough } from '../support/before-send.ts';
import { expectDiscreet, wordsOf } from '../support/discreet.ts';
import { conformInbound } from '../support/inbound-conformance.ts';
import type { ProviderFixtures } from '../support/provider-fixtures.ts';
import {
  answer,
  answerCut,
  answerJson,
  closeConnection,
  holdClosedPort,
  type Reaction,
  resetConnection,
  startScriptedServer,
  staySilent,
} from '../support/scripted-server.ts';
import { evolution_fixtures } from './evolution.fixtures.ts';
import { waha_fixtures } from './waha.fixtures.ts';
import { whatsapp_cloud_fixtures } from './whatsapp-cloud.fixtures.ts';
import { wppconnect_fixtures } from './wppconnect.fixtures.ts';
import { zapi_fixtures } from './zapi.fixtures.ts';

/** A provider without fixtures does not compile. */
const all_fixtures: Record<ProviderName, ProviderFixtures> = {
  whatsapp_cloud: whatsapp_cloud_fixtures,
  evolution: evolution_fixtures,
  waha: waha_fixtures,
  zapi: zapi_fixtures,
  wppconnect: wppconnect_fixtures,
};
const phone = '+5531988880001';

for (const name of provider_names) {
  t.test(name, (t) => conform(t, registry[name], all_fixtures[name]));
}

async function conform(t: Test, provider: Provider, fixtures: ProviderFixtures): Promise<void> {
  await t.test('declares itself in full', (t) => declares(t, provider, fixtures));
  await t.test('send › requests', (t) => requests(t, provider, fixtures));
  await t.test('send › what the provider answers', (t) => sends(t, provider, fixtures));
  await t.test('send › what goes wrong on the way', (t) => mishaps(t, provider, fixtures));
  await t.test('send › what cannot be reached', (t) => unreached(t, provider, fixtures));
  await t.test('checkChannel', (t) => checksChannel(t, provider, fixtures));
  await t.test('checkNumber', (t) => checksNumber(t, provider, fixtures));
  await t.test('listTemplates', (t) => listsTemplates(t, provider, fixtures));
  await t.test('inbound', (t) => conformInbound(t, provider, fixtures));
}

async function declares(t: Test, provider: Provider, fixtures: ProviderFixtures): Promise<void> {
  t.equal(registry[provider.name as ProviderName], provider, 'its name is its place in the registry');
  t.equal(provider.capabilities.requires_template, provider.type === 'official');
  t.equal(provider.capabilities.checks_number, provider.checkNumber !== undefined);
  t.equal(provider.type === 'official', provider.listTemplates !== undefined);
  const schema = provider.credentials;
  t.equal(schema.additionalProperties, false, 'closed credentials');
  for (const [member, { maxLength, pattern, description }] of Object.entries(schema.properties)) {
    t.ok((maxLength || pattern) && description, `${member} is bounded and described`);
  }
  t.ok(Value.Check(schema, fixtures.credentials));
  t.notOk(Value.Check(schema, { ...fixtures.credentials, other: 'x' }));
  for (const member of Object.keys(fixtures.credentials)) {
    for (const value of ['', '..', 'a\r\nx: y', 'x'.repeat(2_000)]) {
      if (value === '..' && !/_id$|^instance$|^session$/.test(member)) continue;
      t.notOk(
        Value.Check(schema, { ...fixtures.credentials, [member]: value }),
        `${member}: ${JSON.stringify(value.slice(0, 12))}`,
      );
    }
  }
}

async function requests(t: Test, provider: Provider, fixtures: ProviderFixtures): Promise<void> {
  const { server, call } = await stage(t, fixtures, letThrough(fixtures, [answer(200, fixtures.accepted_body)]));
  for (const { title, message, expected, body } of fixtures.requests) {
    await provider.send(call, message);
    const request = server.requests.at(-1);
    t.match(request, expected, title);
    t.match(JSON.parse(request?.body ?? ''), body, title);
  }
  const slashed = await provider.send({ ...call, base_url: `${call.base_url}/` }, fixtures.message);
  t.equal(slashed.kind, 'accepted');
  t.notMatch(server.requests.at(-1)?.path, '//', 'a base URL may end with a slash');
  const asked = server.requests.length;
  for (const { title, message, code } of fixtures.unsendable) {
    t.match(await provider.send(call, message), { kind: 'refused', error: { code } }, title);
  }
  t.equal(server.requests.length, asked, 'what cannot be sent is not asked for');
}

async function sends(t: Test, provider: Provider, fixtures: ProviderFixtures): Promise<void> {
  for (const { title, answers, expected } of fixtures.sends) {
    const { server, call } = await stage(t, fixtures, letThrough(fixtures, answers));
    const outcome = await provider.send(call, fixtures.message);
    t.match(outcome, expected, title);
    expectDiscreet(t, outcome, fixtures, title, wordsOf(fixtures));
    t.equal(handedOver(server, fixtures), 1, `${title}: asked once`);
  }
}

async function mishaps(t: Test, provider: Provider, fixtures: ProviderFixtures): Promise<void> {
  const echo: Reaction = (socket, request) =>
    answer(500, `<html>${request.path}${request.headers.authorization}${request.body}`)(socket, request);
  const cases: Record<string, Reaction> = {
    'an error page that echoes the request': echo,
    'a 502 page': answer(502, '<html><h1>502 Bad Gateway</h1>'),
    'a 2xx page': answer(200, '<html>Welcome'),
    'a 2xx without an id': answerJson(200, {}),
    'a 204': answer(204, ''),
    'a redirect': answer(302, '', { location: 'https://elsewhere.example/' }),
    'a truncated body': answerCut(200, fixtures.accepted_body.slice(0, 30)),
    'a whole but short JSON': answer(200, fixtures.accepted_body.slice(0, 30)),
    'JSON that is no object': answer(200, '[null]'),
    'JSON null': answer(500, 'null'),
    'an answer of 2 MB': answer(200, ' '.repeat(2_097_152)),
    'a reset after reading': resetConnection,
    'a close after reading': closeConnection,
    'no answer': staySilent,
  };
  for (const [title, reaction] of Object.entries(cases)) {
    const { server, call } = await stage(t, fixtures, letThrough(fixtures, [reaction]));
    const outcome = await provider.send(
      { ...call, timeout_ms: reaction === staySilent ? 3_000 : 30_000 },
      fixtures.message,
    );
    t.match(
      outcome,
      { kind: 'ambiguous', error: { code: 'provider_answer_lost', provider: { name: provider.name } } },
      title,
    );
    expectDiscreet(t, outcome, fixtures, title, wordsOf(fixtures));
    t.equal(handedOver(server, fixtures), 1, `${title}: written once`);
  }
}

async function unreached(t: Test, provider: Provider, fixtures: ProviderFixtures): Promise<void> {
  const { server, call } = await stage(t, fixtures, [answer(200, fixtures.accepted_body)]);
  const refused = { ...call, base_url: `http://127.0.0.1:${await holdClosedPort(t)}` };
  const cases = {
    'connection refused': refused,
    'no such name': { ...call, base_url: 'https://nowhere.invalid' },
    'no TLS there': { ...call, base_url: server.origin.replace('http:', 'https:') },
    'the caller has given up': { ...call, signal: AbortSignal.abort() },
  };
  server.onConnection((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  for (const [title, call] of Object.entries(cases)) {
    const outcome = await provider.send(call, fixtures.message);
    t.match(outcome, { kind: 'unavailable', error: { code: 'provider_unreachable' }, retry_after_ms: null }, title);
    expectDiscreet(t, outcome, fixtures, title, wordsOf(fixtures));
  }
  for (const base_url of ['http://8.8.8.8', 'https://10.0.0.1', 'ftp://example.com', 'nonsense']) {
    const outcome = await provider.send({ ...call, base_url }, fixtures.message);
    t.match(outcome, { kind: 'refused', error: { code: 'channel_url_not_allowed' } }, `${base_url} may not be called`);
  }
  server.onConnection((socket) => socket.resetAndDestroy());
  const reset = await provider.send(call, fixtures.message);
  t.match(reset.kind, /^(ambiguous|unavailable)$/, 'a reset before reading is never a success nor a refusal');
  t.equal(server.requests.length, 0);
}

async function checksChannel(t: Test, provider: Provider, fixtures: ProviderFixtures): Promise<void> {
  for (const { title, answers, expected } of fixtures.channel_checks) {
    const { server, call } = await stage(t, fixtures, answers);
    const news = await provider.checkChannel(call);
    t.match(news, expected, title);
    expectDiscreet(t, news, fixtures, title);
    t.match(server.requests, [{ method: 'GET' }], 'a check only reads');
  }
  for (const reaction of [answer(502, '<html>'), resetConnection, staySilent, answer(200, 'null')]) {
    const { call } = await stage(t, fixtures, [reaction]);
    t.match(await provider.checkChannel({ ...call, timeout_ms: 400 }), { status: 'unknown' }, 'no word is no news');
  }
}

async function checksNumber(t: Test, provider: Provider, fixtures: ProviderFixtures): Promise<void> {
  if (!provider.checkNumber) return void t.equal(fixtures.number_checks.length, 0);
  for (const { title, answers, expected } of fixtures.number_checks) {
    const { call } = await stage(t, fixtures, answers);
    const check = await provider.checkNumber(call, phone);
    t.match(check, expected, title);
    expectDiscreet(t, check, fixtures, title, [phone.slice(1)]);
  }
  for (const reaction of [
    answer(502, '<html>'),
    resetConnection,
    staySilent,
    answer(200, 'null'),
    answerCut(200, '[{'),
  ]) {
    const { call } = await stage(t, fixtures, [reaction]);
    const check = await provider.checkNumber({ ...call, timeout_ms: 400 }, phone);
    t.match(check, { kind: 'unavailable' }, 'a question that failed sent nothing');
  }
}

async function listsTemplates(t: Test, provider: Provider, fixtures: ProviderFixtures): Promise<void> {
  if (!provider.listTemplates) return void t.equal(fixtures.template_listings.length, 0);
  for (const { title, answers, expected } of fixtures.template_listings) {
    const { server, call } = await stage(t, fixtures, answers);
    const listing = await provider.listTemplates(call);
    t.match(listing, expected, title);
    if (listing.kind === 'listed')
      t.match(
        { length: listing.templates.length },
        { length: (expected as { templates: unknown[] }).templates.length },
      );
    expectDiscreet(t, listing, fixtures, title);
    t.ok(
      server.requests.every(({ path }) => path.includes('fields=')),
      'the fields are asked for by name',
    );
    if (answers.length > 1) t.match(server.requests[1]?.path, 'after=QVFI');
  }
  for (const reaction of [answer(502, '<html>'), resetConnection, staySilent, answer(200, '{}')]) {
    const { call } = await stage(t, fixtures, [reaction]);
    t.match(await provider.listTemplates({ ...call, timeout_ms: 400 }), { kind: 'unavailable' });
  }
}

async function stage(t: Test, fixtures: ProviderFixtures, answers: Reaction[]) {
  const server = await startScriptedServer();
  server.script(...answers);
  const client = createHttpClient({ allowed_private_ranges: ['127.0.0.0/8'] });
  t.teardown(async () => {
    await client.close();
    await server.close();
  });
  const call: ProviderCall = {
    http: client.request,
    base_url: server.origin,
    credentials: fixtures.credentials,
    graph_version: 'v25.0',
    timeout_ms: 5_000,
    signal: AbortSignal.timeout(60_000),
  };
  return { server, call };
}
