import pg from 'pg';
import type { Logger } from 'pino';
import type { Scope } from '../src/context.ts';
import { type ConnectionSettings, clientConfig, connect } from '../src/db/connection.ts';
import { migrate } from '../src/db/migrate.ts';
import { createAccount } from '../src/features/accounts/create-account.ts';
import { createKeyForAccount } from '../src/features/accounts/create-api-key.ts';
import { createVaults } from '../src/features/accounts/vaults.ts';
import { createChannel } from '../src/features/channels/create-channel.ts';
import { createTeam } from '../src/features/teams/create-team.ts';
import { replaceTemplates } from '../src/features/templates/templates.repository.ts';
import { createKeyRing } from '../src/seal.ts';
import { numberOf } from './inbound-bodies.ts';
import type { Shot } from './measure.ts';

/** An account that may start as fast as it can, with as many official channels as asked for. */
export interface Company {
  account_id: string;
  channel_ids: string[];
  team_id: string;
  key: string;
}

export interface CompanyOptions {
  settings: ConnectionSettings;
  master_key: Buffer;
  channels: number;
  /** Where its messages go. */
  provider_url: string;
  log: Logger;
  signal: AbortSignal;
}

const template = { name: 'retomar_atendimento', language: 'pt_BR' };
/** The most that a channel can be set to: what is measured is not the pace. */
const max_per_second = 1_000;

export async function createCompany(options: CompanyOptions): Promise<Company> {
  const { settings, master_key, channels, log, signal } = options;
  await migrate(settings, { log, signal });
  const db = connect(settings, { pool_max: 2, application_name: 'conversar bench', log });
  try {
    const scope = await createScope({ db, log, now: () => new Date(), signal }, master_key);
    const { id: team_id } = await createTeam(scope, { name: 'Comercial' });
    const { key } = await createKeyForAccount(scope, scope.account_id, { name: 'bench' });
    const channel_ids: string[] = [];
    for (let place = 0; place < channels; place += 1) channel_ids.push(await addChannel(scope, options, place));
    return { account_id: scope.account_id, channel_ids, team_id, key };
  } finally {
    await db.destroy();
  }
}

async function createScope(ctx: Pick<Scope, 'db' | 'log' | 'now' | 'signal'>, master_key: Buffer): Promise<Scope> {
  const key_ring = createKeyRing([{ kid: 'bench', key: master_key }]);
  // No limit on starts.
  const { id: account_id } = await createAccount(ctx, key_ring, { name: 'Loja Exemplo', starts_per_second: 0 });
  const vault = (await createVaults(key_ring).openAll(ctx, [account_id])).get(account_id);
  if (!vault) throw new Error('the account was made and does not open');
  return { ...ctx, account_id, default_country: 'BR', vault, api_key_id: null };
}

async function addChannel(scope: Scope, { provider_url: base_url }: CompanyOptions, place: number): Promise<string> {
  const { id } = await createChannel(scope, {
    name: `Oficial ${place}`,
    provider: 'whatsapp_cloud',
    base_url,
    max_per_second,
    credentials: {
      access_token: 'benchmark-token',
      phone_number_id: String(100_000_000_000_100 + place),
      waba_id: '200000000000009',
      app_secret: 'benchmark-app-secret',
    },
  });
  const body = 'Olá {{1}}, podemos retomar o seu atendimento sobre {{2}}? Estamos à disposição.';
  const components = [
    { type: 'BODY', text: body, example: { body_text: [['Ana', 'a troca']] } },
    { type: 'FOOTER', text: 'Loja Exemplo' },
  ];
  const facts = {
    category: 'utility',
    status: 'approved',
    parameter_format: 'positional',
    quality: 'unknown',
  } as const;
  const listed = { provider_template_id: String(300_000_000_000_000 + place), ...template, ...facts, components };
  await replaceTemplates(scope, id, [listed], scope.now());
  return id;
}

/** As many starts as are asked for, each to a new number, over the channels in turn. */
export function startsOf({ channel_ids, team_id, key }: Company, people: { next: number }): () => Shot {
  return () => {
    const place = people.next;
    people.next += 1;
    return {
      path: '/v1/attendances',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${key}`,
        'idempotency-key': `start-${place}`,
      },
      body: JSON.stringify({
        contact: { phone: `+${numberOf(place)}`, name: 'Ana Exemplo' },
        channel_id: channel_ids[place % channel_ids.length],
        team_id,
        template: { ...template, parameters: { 'body.1': 'Ana', 'body.2': 'a troca' } },
      }),
    };
  };
}

/** A connection of the benchmark's own to a program's database, without a timeout. */
export interface Look {
  /** True when no message waits or is in the air. */
  isIdle: () => Promise<boolean>;
  countAccepted: () => Promise<number>;
  /** Clears away what earlier loads left to be cleared, as autovacuum does in a service that has run for a while. */
  tidy: () => Promise<void>;
  close: () => Promise<void>;
}

/** `search_path`: where its `messages` are. */
export async function lookInto(settings: ConnectionSettings, search_path: string): Promise<Look> {
  const client = new pg.Client(clientConfig(settings, 'conversar bench'));
  client.on('error', () => undefined); // the running query rejects with the same error
  await client.connect();
  await client.query(`set search_path to ${search_path}`);
  const read = async <T>(sql: string) => (await client.query<{ value: T }>(sql)).rows[0]?.value;
  return {
    // Each by the first row of its partial index.
    isIdle: async () =>
      (await read<boolean>(
        `select not exists (select from messages where state = 'queued' order by account_id, channel_id, run_at, id limit 1)
            and not exists (select from messages where state = 'sending' order by account_id, lease_until limit 1) as value`,
      )) === true,
    countAccepted: async () =>
      (await read<number>('select count(*) as value from messages where accepted_at is not null')) ?? 0,
    tidy: async () => {
      await client.query('vacuum analyze');
    },
    close: () => client.end(),
  };
}
