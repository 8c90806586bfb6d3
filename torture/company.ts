import { demo_values } from '../src/simulator/demo-values.ts';
import { callOver, type RemoteReply } from '../test/support/remote-company.ts';

export const providers = ['whatsapp_cloud', 'evolution'] as const;
export type ProviderName = (typeof providers)[number];

/** An account with one channel of each type on the simulator, whose webhooks come back to `callback_url`. */
export interface Company {
  key: string;
  /** The body of a start over that provider's channel, always the same for the same phone. */
  startBody: (provider: ProviderName, phone: string) => Record<string, unknown>;
}

interface CompanyOptions {
  /** Who serves it now. */
  url: string;
  admin_token: string;
  simulator_url: string;
  /** Where providers' webhooks go, without a path; null: nobody listens. */
  callback_url: string | null;
  /** Of a channel; default 1,000. */
  max_per_second?: number;
}

/** Made over the wire as an integrator would; limits of starts off. */
export async function createCompany(options: CompanyOptions): Promise<Company> {
  const { url, admin_token, simulator_url, callback_url } = options;
  const account = { name: 'Loja Exemplo', starts_per_second: 0 };
  const { id: account_id } = await expect(201, `${url}/admin/v1/accounts`, admin_token, account);
  const keys_url = `${url}/admin/v1/accounts/${account_id}/api-keys`;
  const { key } = await expect(201, keys_url, admin_token, { name: 'torture' });
  const made = (path: string, body?: unknown, status = 201) => expect(status, `${url}${path}`, key, body);
  const { id: team_id } = await made('/v1/teams', { name: 'Comercial' });
  const max_per_second = options.max_per_second ?? 1_000;
  const official = await made('/v1/channels', {
    name: 'Oficial',
    provider: 'whatsapp_cloud',
    base_url: `${simulator_url}/graph`,
    max_per_second,
    credentials: demo_values.graph,
  });
  const gateway = await made('/v1/channels', {
    name: 'Gateway',
    provider: 'evolution',
    base_url: `${simulator_url}/evolution`,
    max_per_second,
    credentials: demo_values.evolution,
  });
  await made(`/v1/channels/${official.id}/templates/sync`, undefined, 200);
  if (callback_url) await registerWebhooks(simulator_url, callback_url, official, gateway);
  return {
    key,
    startBody: (provider, phone) => ({
      contact: { phone },
      team_id,
      ...(provider === 'whatsapp_cloud'
        ? { channel_id: official.id, template: { name: 'boas_vindas', language: 'pt_BR' } }
        : { channel_id: gateway.id, text: 'Olá!' }),
    }),
  };
}

async function registerWebhooks(
  simulator_url: string,
  callback_url: string,
  official: RemoteReply['body'],
  gateway: RemoteReply['body'],
): Promise<void> {
  const { waba_id, access_token } = demo_values.graph;
  const override_callback_uri = `${callback_url}/v1/inbound/${official.id}`;
  const { verify_token } = official.webhook;
  const subscription = { override_callback_uri, verify_token };
  await expect(200, `${simulator_url}/graph/v25.0/${waba_id}/subscribed_apps`, access_token, subscription);
  const webhook = {
    enabled: true,
    url: `${callback_url}/v1/inbound/${gateway.id}`,
    headers: gateway.webhook.headers,
    events: [],
  };
  const { instance, api_key } = demo_values.evolution;
  await expect(201, `${simulator_url}/evolution/webhook/set/${instance}`, '', { webhook }, { apikey: api_key });
}

async function expect(
  status: number,
  url: string,
  key: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<RemoteReply['body']> {
  const answer = await callOver(url, key, 'POST', body, headers);
  if (answer.status !== status) throw new Error(`POST ${url}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
