import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Application } from './app.ts';
import { ConfigError } from './config.ts';
import type { Scope } from './context.ts';
import { createAccount } from './features/accounts/create-account.ts';
import { createKeyForAccount } from './features/accounts/create-api-key.ts';
import { readKey } from './features/accounts/read-key.ts';
import { toChannel } from './features/channels/channel-view.ts';
import { findChannel, setBaseUrl } from './features/channels/channels.repository.ts';
import type { ChannelView } from './features/channels/channels.schema.ts';
import { createChannel } from './features/channels/create-channel.ts';
import type { Outside } from './features/channels/provider-call.ts';
import { createTeam } from './features/teams/create-team.ts';
import { syncTemplates } from './features/templates/sync-templates.ts';
import type { OpenGround } from './ground.ts';
import { createAddressGuard } from './outbound/address-guard.ts';
import { Problem } from './problem.ts';
import { demo_values } from './simulator/demo-values.ts';
import { type Simulator, startSimulator } from './simulator/simulator.ts';

/** What the demo shows on the terminal. */
export interface Demo {
  api_key: string;
  simulator_url: string;
  team_ids: string[];
  official_channel_id: string;
  unofficial_channel_id: string;
  /** Registers our webhooks at the simulator, which calls back before it believes: the service must listen. Never rejects. */
  connect: () => Promise<void>;
  close: () => Promise<void>;
}

const alive_within_ms = 500;
const connect_within_ms = 10_000;

type Webhook = ChannelView['webhook'];

const gateway_events = [
  'MESSAGES_UPSERT',
  'MESSAGES_UPDATE',
  'MESSAGES_EDITED',
  'MESSAGES_DELETE',
  'SEND_MESSAGE',
  'CONNECTION_UPDATE',
  'LOGOUT_INSTANCE',
];

interface Kept {
  api_key: string;
  team_ids: string[];
  official_channel_id: string;
  unofficial_channel_id: string;
}

/** A demo account with two teams and two channels on the simulator, kept in the data folder and taken up again. */
export async function openDemo(ground: OpenGround, app: Application): Promise<Demo> {
  const { data_dir, allowed_private_ranges } = ground.config;
  if (!createAddressGuard({ allowed_private_ranges: [...allowed_private_ranges] }).checkUrl('http://127.0.0.1:1').ok) {
    throw new ConfigError(
      'CONVERSAR_DEMO=on needs 127.0.0.0/8 in CONVERSAR_ALLOWED_PRIVATE_RANGES, where its simulator is; or set it to off.',
    );
  }
  await mkdir(data_dir, { recursive: true });
  const path = join(data_dir, 'demo.json');
  const known = await readUsable(app, path);
  const simulator =
    (known && (await findSimulator(known.scope, app.outside, known.kept))) ?? (await openSimulator(ground));
  try {
    const kept = known?.kept ?? (await createDemo(ground, app, simulator.url));
    if (!known) await writeFile(path, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
    const scope = known?.scope ?? (await readKey(app.ctx, app.vaults, kept.api_key));
    if (!scope) throw new Error('the demo key was made and is not accepted');
    await point(scope, kept, simulator.url);
    await syncDemo(ground, app, scope, kept);
    const simulator_url = simulator.url;
    const connect = () =>
      connectWebhooks(ground, app, scope, { ...kept, simulator_url }).catch((error: unknown) =>
        ground.log.warn({ err: error }, 'demo.webhook_refused'),
      );
    return { ...kept, simulator_url, connect, close: simulator.close };
  } catch (error) {
    // It would keep a process alive that serves nothing.
    await simulator.close();
    throw error;
  }
}

/** The demo of last time; null where its key is not accepted any more or one of its channels is gone: another one is made. */
async function readUsable(app: Application, path: string): Promise<{ kept: Kept; scope: Scope } | null> {
  const kept = await readKept(path);
  const scope = kept && (await readKey(app.ctx, app.vaults, kept.api_key));
  if (!kept || !scope) return null;
  const channels = [kept.official_channel_id, kept.unofficial_channel_id].map((id) => findChannel(scope, id));
  return (await Promise.all(channels)).every((channel) => channel !== undefined) ? { kept, scope } : null;
}

/** Whoever gave the demo's channel credentials of their own has other templates, or none that can be read. */
async function syncDemo({ log }: OpenGround, { outside }: Application, scope: Scope, kept: Kept): Promise<void> {
  try {
    await syncTemplates(scope, outside, kept.official_channel_id);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    log.warn({ channel_id: kept.official_channel_id, code: error.kind.code }, 'demo.not_synced');
  }
}

/** The simulator of another process on the same data folder, while it answers. */
async function findSimulator(scope: Scope, { http }: Outside, kept: Kept): Promise<Simulator | null> {
  const channel = await findChannel(scope, kept.official_channel_id);
  if (!channel) return null;
  const url = channel.base_url.replace(/\/graph$/, '');
  const answer = await http({
    method: 'GET',
    url: `${url}/_received/count`,
    timeout_ms: alive_within_ms,
    signal: scope.signal,
  });
  return answer.kind === 'answered' && answer.status === 200 ? { url, close: async () => undefined } : null;
}

async function readKept(path: string): Promise<Kept | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Kept;
  } catch {
    // Absent, or unreadable: a new demo account is made beside the old one.
    return null;
  }
}

/** On the port behind ours; when that is taken, on a free one. What it received is kept in the data folder. */
async function openSimulator({ config, log }: OpenGround): Promise<Simulator> {
  const options = {
    host: '127.0.0.1',
    log: log.child({ part: 'simulator' }),
    state_file: join(config.data_dir, 'simulator.jsonl'),
  };
  try {
    return await startSimulator({ ...options, port: (config.port + 1) % 65_536 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return startSimulator({ ...options, port: 0 });
  }
}

async function createDemo(ground: OpenGround, app: Application, simulator_url: string): Promise<Kept> {
  const { ctx, vaults } = app;
  const account = await createAccount(ctx, ground.key_ring, { name: 'Demo' });
  const { key } = await createKeyForAccount(ctx, account.id, { name: 'demo' });
  const scope = await readKey(ctx, vaults, key);
  if (!scope) throw new Error('the demo key was made and is not accepted');
  const commercial = await createTeam(scope, { name: 'Comercial' });
  const support = await createTeam(scope, { name: 'Suporte' });
  const official = await createChannel(scope, {
    name: 'WhatsApp oficial',
    provider: 'whatsapp_cloud',
    phone: '+55 31 98888-0000',
    base_url: `${simulator_url}/graph`,
    credentials: demo_values.graph,
  });
  const unofficial = await createChannel(scope, {
    name: 'WhatsApp gateway',
    provider: 'evolution',
    phone: '+55 31 98888-0009',
    base_url: `${simulator_url}/evolution`,
    credentials: demo_values.evolution,
  });
  return {
    api_key: key,
    team_ids: [commercial.id, support.id],
    official_channel_id: official.id,
    unofficial_channel_id: unofficial.id,
  };
}

/** The simulator may stand on another port than last time. A channel that was pointed elsewhere stays there. */
async function point(scope: Scope, kept: Kept, simulator_url: string): Promise<void> {
  for (const [id, path] of [
    [kept.official_channel_id, 'graph'],
    [kept.unofficial_channel_id, 'evolution'],
  ] as const) {
    const channel = await findChannel(scope, id);
    const is_simulated = new RegExp(`^http://127\\.0\\.0\\.1:\\d+/${path}$`).test(channel?.base_url ?? '');
    if (is_simulated) await setBaseUrl(scope, id, `${simulator_url}/${path}`);
  }
}

/** Both channels' webhooks as the channels show them. What the simulator refuses is logged; the demo goes on without news. */
async function connectWebhooks(
  { log, public_url, config }: OpenGround,
  { outside: { http } }: Application,
  scope: Scope,
  { simulator_url, official_channel_id, unofficial_channel_id }: Kept & Pick<Demo, 'simulator_url'>,
): Promise<void> {
  const register = async (channel_id: string, path: string, bodyOf: (webhook: Webhook) => unknown) => {
    const channel = await findChannel(scope, channel_id);
    if (!channel) return;
    const { graph, evolution } = demo_values;
    const answer = await http({
      method: 'POST',
      url: `${simulator_url}${path}`,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${graph.access_token}`,
        apikey: evolution.api_key,
      },
      body: JSON.stringify(bodyOf(toChannel(channel, public_url).webhook)),
      timeout_ms: connect_within_ms,
      signal: scope.signal,
    });
    const is_done = answer.kind === 'answered' && answer.status < 300;
    if (!is_done)
      log.warn(
        { channel_id, status: answer.kind === 'answered' ? answer.status : answer.reason },
        'demo.webhook_refused',
      );
  };
  const graph_path = `/graph/${config.graph_version}/${demo_values.graph.waba_id}/subscribed_apps`;
  await Promise.all([
    register(official_channel_id, graph_path, ({ url, verify_token }) => ({
      override_callback_uri: url,
      verify_token,
    })),
    register(unofficial_channel_id, `/evolution/webhook/set/${demo_values.evolution.instance}`, ({ url, headers }) => ({
      webhook: { enabled: true, url, byEvents: false, base64: false, headers, events: gateway_events },
    })),
  ]);
}
