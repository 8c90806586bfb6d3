import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Scope } from '../src/context.ts';
import { type ConnectionSettings, connect } from '../src/db/connection.ts';
import { migrate } from '../src/db/migrate.ts';
import { createAccount } from '../src/features/accounts/create-account.ts';
import { createVaults } from '../src/features/accounts/vaults.ts';
import { createChannel } from '../src/features/channels/create-channel.ts';
import { createCorrelator } from '../src/features/messages/correlator.ts';
import { createKeyRing } from '../src/seal.ts';
import { app_secret, type Door, numberOf, type SentMessage, statuses_per_body, waba_id } from './inbound-bodies.ts';

/** An account with channels in a database of its own, as the benchmark sees it from outside. */
export interface Company {
  doors: Door[];
  /** Who writes next: numbers of those whom we wrote to are never theirs. */
  people: { next: number };
  /** Messages that were accepted and of which nothing is reported yet, in groups for one body each. */
  addSent: (groups: number) => Promise<{ door: Door; messages: SentMessage[] }[]>;
  /** Bodies and events that wait. */
  countWaiting: () => Promise<number>;
  isIdle: () => Promise<boolean>;
  /** Inbound messages and events of statuses so far: what expanding them must have left. */
  countEffects: () => Promise<{ texts: number; statuses: number }>;
  /** Clears away what earlier loads left to be cleared, outside of any measured time. */
  tidy: () => Promise<void>;
  close: () => Promise<void>;
}

export interface CompanyOptions {
  settings: ConnectionSettings;
  master_key: Buffer;
  channels: number;
  log: Logger;
  signal: AbortSignal;
}

export async function createCompany({ settings, master_key, channels, log, signal }: CompanyOptions): Promise<Company> {
  await migrate(settings, { log, signal });
  const db = connect(settings, { pool_max: 2, application_name: 'conversar bench', log });
  try {
    const scope = await createScope({ db, log, now: () => new Date(), signal }, master_key);
    const doors = await createDoors(scope, channels);
    const people = { next: 0 };
    const { account_id } = scope;
    const count = async (sql: string) =>
      Number((await db.raw<{ rows: { n: number }[] }>(sql, { account_id })).rows[0]?.n ?? 0);
    return {
      doors,
      people,
      addSent: (groups) => addSent(scope, doors, people, groups),
      countWaiting: () =>
        count(`select (select count(*) from inbound_bodies where account_id = :account_id)
                    + (select count(*) from inbound_items where account_id = :account_id) as n`),
      isIdle: async () =>
        (await count(`select count(*) as n from (select from inbound_bodies where account_id = :account_id
                                                  order by account_id, channel_id limit 1) one`)) === 0,
      countEffects: async () => ({
        texts: await count(
          `select count(*) as n from messages where account_id = :account_id and direction = 'inbound'`,
        ),
        statuses: await count(
          `select count(*) as n from events where account_id = :account_id
              and type in ('message.sent', 'message.delivered', 'message.read')`,
        ),
      }),
      tidy: async () => {
        await db.raw('vacuum analyze').timeout(4_500);
      },
      close: () => db.destroy(),
    };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function createScope(ctx: Pick<Scope, 'db' | 'log' | 'now' | 'signal'>, master_key: Buffer): Promise<Scope> {
  const key_ring = createKeyRing([{ kid: 'bench', key: master_key }]);
  const { id: account_id } = await createAccount(ctx, key_ring, { name: 'Loja Exemplo' });
  const vault = (await createVaults(key_ring).openAll(ctx, [account_id])).get(account_id);
  if (!vault) throw new Error('the account was made and does not open');
  return { ...ctx, account_id, default_country: 'BR', vault, api_key_id: null };
}

async function createDoors(scope: Scope, channels: number): Promise<Door[]> {
  const doors: Door[] = [];
  for (let place = 0; place < channels; place += 1) {
    const phone_number_id = String(100_000_000_000_100 + place);
    const { id: channel_id } = await createChannel(scope, {
      name: `Oficial ${place}`,
      provider: 'whatsapp_cloud',
      // Nobody listens there: nothing is sent.
      base_url: 'http://127.0.0.1:9/graph',
      credentials: { access_token: 'benchmark-token', phone_number_id, waba_id, app_secret },
    });
    doors.push({ channel_id, phone_number_id });
  }
  return doors;
}

/** What a start and its send leave: contact with its names, attendance `open`, message accepted at its first attempt. */
const insert_sent = `
  with given as (
    select cast(:account_id as uuid) as account_id, g.* from jsonb_to_recordset(cast(:rows as jsonb)) as g (contact_id uuid, attendance_id uuid, message_id uuid,
      channel_id uuid, digits text, provider_message_id text)
  ),
  contact as (
    insert into contacts (account_id, id, phone, phone_key, phone_digits, created_at, updated_at)
    select account_id, contact_id, '+' || digits, '+' || digits, digits, now(), now() from given
  ),
  identity as (
    insert into contact_identities (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
    select account_id, contact_id, 'phone', 'account', '+' || digits, 'user', now(), now() from given
    union all
    select account_id, contact_id, 'wa_id', 'channel:' || channel_id, digits, 'whatsapp_cloud', now(), now() from given
  ),
  attendance as (
    insert into attendances (account_id, id, contact_id, channel_id, origin, status, first_message_id, event_sequence,
                             address_kind, address, created_at, updated_at)
    select account_id, attendance_id, contact_id, channel_id, 'active', 'open', message_id, 3, 'phone', '+' || digits, now(), now()
      from given
  ),
  message as (
    insert into messages (account_id, id, attendance_id, contact_id, channel_id, direction, type, text, payload, recipient_kind,
                          recipient, state, attempt, run_at, provider_message_id, accepted_at, created_at, updated_at)
    select account_id, message_id, attendance_id, contact_id, channel_id, 'outbound', 'text', 'Olá!',
           '{"type": "text", "text": "Olá!"}', 'phone', '+' || digits, 'settled', 1, now() + interval '1 hour',
           provider_message_id, now(), now(), now()
      from given
  )
  insert into attempts (account_id, message_id, number, fence, channel_id, contact_id, started_at, finished_at, outcome)
  select account_id, message_id, 1, nextval('fences'), channel_id, contact_id, now(), now(), 'accepted' from given`;

const groups_at_once = 100;

async function addSent(scope: Scope, doors: Door[], people: { next: number }, groups: number) {
  const made: { door: Door; messages: SentMessage[] }[] = [];
  for (let first = 0; first < groups; first += groups_at_once) {
    const places = Array.from({ length: Math.min(groups_at_once, groups - first) }, (_, place) => first + place);
    const parts = places.map((place) => makeGroup(scope, doors, people, place));
    const rows = parts.flatMap(({ rows }) => rows);
    await scope.db.raw(insert_sent, { account_id: scope.account_id, rows: JSON.stringify(rows) });
    made.push(...parts.map(({ group }) => group));
  }
  return made;
}

function makeGroup(scope: Scope, doors: Door[], people: { next: number }, place: number) {
  const door = doors[place % doors.length];
  if (!door) throw new Error('a benchmark needs at least one channel');
  const rows = Array.from({ length: statuses_per_body }, () => {
    const digits = numberOf(people.next);
    people.next += 1;
    return {
      contact_id: randomUUID(),
      attendance_id: randomUUID(),
      message_id: randomUUID(),
      channel_id: door.channel_id,
      digits,
      provider_message_id: `wamid.HBgNQkVOQ0hNQVJLBBBB${digits.padStart(20, '0')}`,
    };
  });
  const messages = rows.map(
    ({ message_id, provider_message_id, digits }): SentMessage => ({
      provider_message_id,
      wa_id: digits,
      correlator: createCorrelator(scope.vault, message_id, 1),
    }),
  );
  return { rows, group: { door, messages } };
}
