import t, { type Test } from 'tap';
import { createHttpClient } from '../../src/outbound/http-client.ts';
import type { HttpClient } from '../../src/outbound/outbound.ts';
import { type ProviderName, registry } from '../../src/providers/registry.ts';
import { message } from '../support/gateway-cases.ts';
import type { ProviderFixtures } from '../support/provider-fixtures.ts';
import {
  answer,
  answerJson,
  type Reaction,
  resetConnection,
  startScriptedServer,
  staySilent,
} from '../support/scripted-server.ts';
import { wppconnect_fixtures } from './wppconnect.fixtures.ts';
import { zapi_fixtures } from './zapi.fixtures.ts';

interface Gateway {
  name: ProviderName;
  fixtures: ProviderFixtures;
  disconnected: Reaction;
}

const gateways: Gateway[] = [
  { name: 'zapi', fixtures: zapi_fixtures, disconnected: answerJson(200, { connected: false, error: 'x' }) },
  {
    name: 'wppconnect',
    fixtures: wppconnect_fixtures,
    disconnected: answerJson(200, { status: false, message: 'Disconnected' }),
  },
];

async function stage(t: Test, { name, fixtures }: Gateway, ...reactions: Reaction[]) {
  const server = await startScriptedServer();
  server.script(...reactions);
  const client = createHttpClient({ allowed_private_ranges: ['127.0.0.0/8'] });
  t.teardown(async () => {
    await client.close();
    await server.close();
  });
  const calls: { timeout_ms: number; took_ms: number }[] = [];
  const http: HttpClient = async (request) => {
    const asked_at = performance.now();
    const outcome = await client.request(request);
    calls.push({ timeout_ms: request.timeout_ms, took_ms: performance.now() - asked_at });
    return outcome;
  };
  const send = (timeout_ms: number) =>
    registry[name].send(
      {
        http,
        base_url: server.origin,
        credentials: fixtures.credentials,
        graph_version: 'v25.0',
        timeout_ms,
        signal: AbortSignal.timeout(60_000),
      },
      message,
    );
  return { server, send, calls };
}

for (const gateway of gateways) {
  t.test(`${gateway.name} › a channel that is not connected is handed nothing, and says so`, async (t) => {
    const { server, send } = await stage(t, gateway, gateway.disconnected);
    t.match(await send(5_000), {
      kind: 'unavailable',
      error: { code: 'provider_unavailable' },
      channel: { status: 'disconnected' },
    });
    t.equal(server.requests.length, 1);
  });

  for (const [title, reaction] of Object.entries({
    'an error page': answer(502, '<html>'),
    'an answer of something else': answerJson(200, { ok: true }),
    'JSON null': answer(200, 'null'),
    'a reset': resetConnection,
    'no answer': staySilent,
    'an error with the message in it': answerJson(500, { error: JSON.stringify(message) }),
  })) {
    t.test(`${gateway.name} › asked whether it is connected: ${title} › surely not sent`, async (t) => {
      const { server, send } = await stage(t, gateway, reaction);
      // Half of it is for the question.
      const outcome = await send(reaction === staySilent ? 4_000 : 30_000);
      t.match(outcome, { kind: 'unavailable', error: { code: /^provider_un/ }, channel: undefined });
      t.equal(server.requests.length, 1);
      const told = JSON.stringify(outcome);
      t.same(
        [...Object.values(gateway.fixtures.credentials), message.to.value].filter((word) => told.includes(word)),
        [],
        'and tells no secret',
      );
    });
  }

  t.test(`${gateway.name} › credentials that are not accepted › refused before the message`, async (t) => {
    const { server, send } = await stage(t, gateway, answerJson(401, { error: 'Unauthorized' }));
    t.match(await send(5_000), { kind: 'refused', error: { code: 'channel_credentials_invalid' } });
    t.equal(server.requests.length, 1);
  });

  t.test(`${gateway.name} › question and message share one timeout`, async (t) => {
    const { before_send, accepted_body } = gateway.fixtures;
    const slow: Reaction = (socket, request) => void setTimeout(() => before_send?.answer(socket, request), 50);
    const { send, calls } = await stage(t, gateway, slow, answer(200, accepted_body));
    t.match(await send(50_000), { kind: 'accepted' });
    const [question, handing_over, ...more] = calls;
    t.ok(question && handing_over && more.length === 0, 'two calls');
    t.equal(question?.timeout_ms, 25_000, 'the question may take half of it');
    const left_ms = 50_000 - (question?.took_ms ?? 0);
    t.ok((handing_over?.timeout_ms ?? 0) <= Math.round(left_ms), 'the message what the question left');
  });
}
