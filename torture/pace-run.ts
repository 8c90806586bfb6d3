import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { demo_values } from '../src/simulator/demo-values.ts';
import { queueMessages } from '../test/support/queue.ts';
import { callOver } from '../test/support/remote-company.ts';
import type { Arrival } from './check-pace.ts';

export interface PacedPlace {
  url: string;
  admin_token: string;
  simulator_url: string;
  db: Knex;
}

/** One account's senders, each by a name of its own in the provider's log. */
export interface Senders {
  account_id: string;
  /** Channel ids by the name. */
  channels: Map<string, string>;
}

let accounts = 0;

/** An account with so many gateway channels of one limit. */
export async function createSenders(place: PacedPlace, count: number, max_per_second: number): Promise<Senders> {
  const { url, admin_token, simulator_url } = place;
  const made = async (key: string, path: string, body: unknown) => {
    const answer = await callOver(`${url}${path}`, key, 'POST', body);
    if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  accounts += 1;
  const { id: account_id } = await made(admin_token, '/admin/v1/accounts', { name: `Loja ${accounts}` });
  const { key } = await made(admin_token, `/admin/v1/accounts/${account_id}/api-keys`, { name: 'pace' });
  const channels = new Map<string, string>();
  for (let nth = 0; nth < count; nth += 1) {
    const instance = `sender-${accounts}-${nth}`;
    const { id } = await made(key, '/v1/channels', {
      ...{ name: instance, provider: 'evolution', base_url: `${simulator_url}/evolution`, max_per_second },
      credentials: { ...demo_values.evolution, instance },
    });
    channels.set(instance, id);
  }
  return { account_id, channels };
}

let numbers = 0;

/** The first of so many numbers that the simulator has no script for: all of its own end in 0000 to 0999. */
function takeNumbers(count: number): number {
  const end = (numbers % 10_000) + count;
  if (numbers % 10_000 < 1_000) numbers += 1_000 - (numbers % 10_000);
  else if (end >= 10_000) numbers += 11_000 - (numbers % 10_000);
  const from = numbers;
  numbers += count;
  return from;
}

/** Queues at least `messages`, as many of each sender, every other recipient getting two unless none is to; returns how many. */
export async function fillQueue(
  db: Knex,
  { account_id, channels }: Senders,
  messages: number,
  has_pairs = true,
): Promise<number> {
  const share = Math.ceil(messages / channels.size);
  for (const channel_id of channels.values()) {
    const twice = has_pairs ? Math.floor(share / 3) : 0;
    for (const [contacts, each] of [
      [twice, 2],
      [share - 2 * twice, 1],
    ] as const) {
      if (contacts === 0) continue;
      await queueMessages(db, { account_id, channel_id }, contacts, { from: takeNumbers(contacts), each });
    }
  }
  return share * channels.size;
}

/** All of the log from an entry on, a page after the other. */
async function readArrivals(simulator_url: string, after = 0): Promise<Arrival[]> {
  const { body } = await callOver(`${simulator_url}/_received?after=${after}`, '', 'GET');
  return body.data;
}

/** Waits until so many of these senders' messages arrived; throws when none came for 30 s. */
export async function untilArrived(simulator_url: string, { channels }: Senders, count: number): Promise<Arrival[]> {
  const found: Arrival[] = [];
  let last = 0;
  for (let idle_since = performance.now(); found.length < count; await delay(100)) {
    const fresh = await readArrivals(simulator_url, last);
    last = fresh.at(-1)?.id ?? last;
    const own = fresh.filter(({ channel }) => channels.has(channel));
    found.push(...own);
    if (own.length > 0) idle_since = performance.now();
    if (performance.now() - idle_since > 30_000) throw new Error(`${found.length} of ${count} arrived`);
  }
  return found;
}

export interface Waits {
  /** Until the first and until the last of them arrived, in ms. */
  first_ms: number;
  last_ms: number;
}

/** How long the messages of a small account take from the queue to the provider. */
export async function measureWaits(place: PacedPlace, small: Senders, messages: number): Promise<Waits> {
  const [entry] = (await readArrivals(place.simulator_url)).slice(-1);
  const begun_at = Date.now();
  // Each to somebody else: the pace of a recipient would hide what the large account takes from the small one.
  await fillQueue(place.db, small, messages, false);
  const own: Arrival[] = [];
  for (let after = entry?.id ?? 0; own.length < messages; await delay(50)) {
    const fresh = await readArrivals(place.simulator_url, after);
    after = fresh.at(-1)?.id ?? after;
    own.push(...fresh.filter(({ channel }) => small.channels.has(channel)));
    if (Date.now() - begun_at > 120_000) throw new Error(`${own.length} of ${messages} of the small account arrived`);
  }
  const times = own.map(({ received_at }) => Date.parse(received_at));
  return { first_ms: Math.min(...times) - begun_at, last_ms: Math.max(...times) - begun_at };
}

/** What became of messages that no provider has accepted, and how many of each. */
export async function tellUnsent(db: Knex): Promise<string> {
  const { rows } = await db.raw<{ rows: { told: string }[] }>(
    `select concat_ws(' ', count(*), state, error ->> 'code', 'attempt', attempt) as told from messages
      where accepted_at is null group by state, error ->> 'code', attempt order by count(*) desc limit 10`,
  );
  return rows.map(({ told }) => told).join(', ');
}
