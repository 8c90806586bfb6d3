import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Application } from './app.ts';
import type { Scope } from './context.ts';
import { createAccount } from './features/accounts/create-account.ts';
import { createKeyForAccount } from './features/accounts/create-api-key.ts';
import { readKey } from './features/accounts/read-key.ts';
import { listChannels, setBaseUrl } from './features/channels/channels.repository.ts';
import { createChannel } from './features/channels/create-channel.ts';
import { createTeam } from './features/teams/create-team.ts';
import { syncTemplates } from './features/templates/sync-templates.ts';
import type { OpenGround } from './ground.ts';
import { createAddressGuard } from './outbound/address-guard.ts';
import { demo_values } from './simulator/demo-values.ts';
import { type Simulator, startSimulator } from './simulator/simulator.ts';

/** What the demo shows on the terminal. */
export interface Demo {
  api_key: string;
  simulator_url: string;
  team_ids: string[];
  official_channel_id: string;
  unofficial_channel_id: string;
  close: () => Promise<void>;
}

interface Kept {
  api_key: string;
  team_ids: string[];
  official_channel_id: string;
  unofficial_channel_id: string;
}

/** A demo account with two teams and two channels on the simulator, kept in the data folder and taken up again. */
export async function openDemo(ground: OpenGround, app: Application): Promise<Demo> {
  const simulator = await openSimulator(ground);
  const path = join(ground.config.data_dir, 'demo.json');
  const known = await readKept(path);
  const scope = known && (await readKey(app.ctx, app.vaults, known.api_key));
  const kept = known && scope ? known : await createDemo(ground, app, simulator.url);
  if (kept !== known) {
    await writeFile(path, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
    await chmod(path, 0o600);
  }
  const speaks = scope ?? (await readKey(app.ctx, app.vaults, kept.api_key));
  if (!speaks) throw new Error('the demo key was made and is not accepted');
  await point(speaks, kept, simulator.url);
  await syncTemplates(speaks, app.outside, kept.official_channel_id);
  return { ...kept, simulator_url: simulator.url, close: simulator.close };
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
    return await startSimulator({ ...options, port: config.port + 1 });
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
  const guard = createAddressGuard({ allowed_private_ranges: [...ground.config.allowed_private_ranges] });
  const official = await createChannel(scope, guard, {
    name: 'WhatsApp oficial',
    provider: 'whatsapp_cloud',
    phone: '+55 31 98888-0000',
    base_url: `${simulator_url}/graph`,
    credentials: demo_values.graph,
  });
  const unofficial = await createChannel(scope, guard, {
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

/** The simulator may stand on another port than last time. */
async function point(scope: Scope, kept: Kept, simulator_url: string): Promise<void> {
  const channels = await listChannels(scope, { limit: 100, after_id: null });
  for (const [id, path] of [
    [kept.official_channel_id, 'graph'],
    [kept.unofficial_channel_id, 'evolution'],
  ] as const) {
    const base_url = `${simulator_url}/${path}`;
    if (channels.some((channel) => channel.id === id && channel.base_url !== base_url))
      await setBaseUrl(scope, id, base_url);
  }
}

/** The two curl lines, ready to paste. */
export function describeDemo(demo: Demo, public_url: string): string {
  const curl = (body: unknown) =>
    [
      `curl -s ${public_url}/v1/attendances \\`,
      `  -H 'authorization: Bearer ${demo.api_key}' -H 'content-type: application/json' -H 'prefer: wait=10' \\`,
      `  -d '${JSON.stringify(body)}'`,
    ].join('\n');
  const template = {
    name: 'retomar_atendimento',
    language: 'pt_BR',
    parameters: { 'body.1': 'Ana', 'body.2': '8841' },
  };
  const [team_id] = demo.team_ids;
  return `
Demo account
  API key    ${demo.api_key}
  teams      ${demo.team_ids.join(' ')}
  official   ${demo.official_channel_id}
  unofficial ${demo.unofficial_channel_id}
  simulator  ${demo.simulator_url}  (what arrived: ${demo.simulator_url}/_received)

Start an attendance on the official channel:

${curl({ contact: { phone: '(31) 98888-0001', name: 'Ana' }, channel_id: demo.official_channel_id, team_id, template })}

Start one on the unofficial channel:

${curl({ contact: { phone: '(31) 98888-0002', name: 'Bia' }, channel_id: demo.unofficial_channel_id, team_id, text: 'Olá!' })}
`;
}
