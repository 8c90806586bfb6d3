import t, { type Test } from 'tap';
import { createHttpClient } from '../../src/outbound/http-client.ts';
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
import { timed } from '../support/timed.ts';
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
  const send = (timeout_ms: number) =>
    registry[name].send(
      {
        http: client.request,
        base_url: server.origin,
        credentials: fixtures.credentials,
        graph_version: 'v25.0',
        timeout_ms,
        signal: AbortSignal.timeout(60_000),
      },
      message,
    );
  return { server, send };
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
      const outcome = await send(400);
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
    const { before_send } = gateway.fixtures;
    const { server, send } = await stage(
      t,
      gateway,
      (socket, request) => {
        setTimeout(() => before_send?.answer(socket, request), 600);
      },
      staySilent,
    );
    const { answer, took_ms } = await timed(() => send(1_600));
    t.match(answer, { kind: 'ambiguous' });
    t.ok(took_ms < 1_920, `not 600 ms and then 1,600 more: ${took_ms} ms`);
    t.equal(server.requests.length, 2);
  });
}
