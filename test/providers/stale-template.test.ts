import t from 'tap';
import { createHttpClient } from '../../src/outbound/http-client.ts';
import { registry } from '../../src/providers/registry.ts';
import { answerJson, startScriptedServer } from '../support/scripted-server.ts';
import { whatsapp_cloud_fixtures } from './whatsapp-cloud.fixtures.ts';

const template = {
  type: 'template' as const,
  name: 'boas_vindas',
  language: 'pt_BR',
  parameter_format: 'positional' as const,
  slots: [],
};

t.test('what Meta says of a template that is not as we know it', async (t) => {
  const server = await startScriptedServer();
  const client = createHttpClient({ allowed_private_ranges: ['127.0.0.0/8'] });
  t.teardown(async () => {
    await client.close();
    await server.close();
  });
  const send = (code: number) => {
    server.script(answerJson(400, { error: { message: 'x', type: 'OAuthException', code } }));
    return registry.whatsapp_cloud.send(
      {
        http: client.request,
        base_url: server.origin,
        credentials: whatsapp_cloud_fixtures.credentials,
        graph_version: 'v25.0',
        timeout_ms: 20_000,
        signal: AbortSignal.timeout(60_000),
      },
      { to: { kind: 'phone', value: '+5531988880001' }, content: template, correlator: 'x' },
    );
  };
  for (const code of [132000, 132001, 132012, 135000])
    t.match(await send(code), { kind: 'refused', suspects_template: true }, `${code}: read again, and tried once more`);
  for (const code of [132015, 132016]) {
    const outcome = await send(code);
    t.match(outcome, { kind: 'refused', wants_sync: true }, `${code}: read again`);
    t.notOk('suspects_template' in outcome, `${code}: and not tried once more`);
  }
  t.notOk('wants_sync' in (await send(131026)));
});
