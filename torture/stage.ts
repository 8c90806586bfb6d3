import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConnectionSettings } from '../src/db/connection.ts';
import { type SimulatorOptions, startSimulator } from '../src/simulator/simulator.ts';
import { databaseUrl, processSettings } from '../test/support/process.ts';
import type { Evidence } from './check-logs.ts';
import type { ClientOptions } from './clients.ts';
import { type Company, createCompany } from './company.ts';
import { judge, untilHeard } from './evidence.ts';
import { createFleet, type Member, noneEnded, urlsOf } from './fleet.ts';
import type { Finding, TortureContext } from './torture.ts';

/** Processes of ours over one database, a provider that keeps a log, and an account for the clients. */
export interface Stage {
  fleet: Member[];
  urls: string[];
  company: Company;
  simulator_url: string;
  env: Record<string, string>;
  /** What clients need to know. */
  clients: ClientOptions;
  /** When nothing is under way any more: what both logs and the final states prove. */
  judge: (settled: string[]) => Promise<{ findings: Finding[]; evidence: Evidence }>;
}

export interface StageOptions {
  /** Of the logs. */
  name: string;
  settings: ConnectionSettings;
  /** What each process of ours runs. */
  commands: string[];
  env: Record<string, string>;
  simulator?: Partial<SimulatorOptions>;
  /** Whether the provider's webhooks come back to the first process that serves. */
  has_webhooks: boolean;
  /** Their logs go to files in the context's folder: under a flood, reading them is as much work as the flood. */
  logs_to_files?: boolean;
}

/** Everything is up when it answers, and is ended by the context's owner. */
export async function openStage(context: TortureContext, options: StageOptions): Promise<Stage> {
  const { folder, log, program, signal } = context;
  const clients_path = join(folder, `${options.name}.clients.jsonl`);
  const simulator_path = join(folder, `${options.name}.simulator.jsonl`);
  for (const path of [clients_path, simulator_path]) await rm(path, { force: true });
  const simulator = await startSimulator({
    ...{ host: '127.0.0.1', port: 0, log, state_file: simulator_path, max_received: 1_000_000 },
    ...options.simulator,
  });
  context.teardown(simulator.close);
  const base = processSettings(databaseUrl(options.settings));
  const env = { ...base, ...options.env };
  const fleet = await createFleet({
    owner: context,
    program,
    env,
    commands: options.commands,
    ...(options.logs_to_files ? { log_folder: folder } : {}),
  });
  await Promise.all(fleet.map((member) => member.start()));
  const urls = urlsOf(fleet);
  const [url = ''] = urls;
  const company = await createCompany({
    ...{ url, admin_token: base.CONVERSAR_ADMIN_TOKEN, simulator_url: simulator.url },
    callback_url: options.has_webhooks ? url : null,
  });
  const lease_ms = Number(env.CONVERSAR_LEASE_MS ?? base.CONVERSAR_LEASE_MS);
  const sources = { url, key: company.key, clients_path, simulator_path, lease_ms, signal, say: context.say };
  return {
    ...{ fleet, urls, company, env, simulator_url: simulator.url },
    clients: { company, urls, path: clients_path, signal },
    judge: async (settled) => {
      context.say('judging');
      const heard = await untilHeard(simulator.url, signal);
      const { findings, evidence } = await judge({ ...sources, settled });
      return { findings: [heard, ...findings, noneEnded(fleet)], evidence };
    },
  };
}
