import pg from 'pg';
import { type ConnectionSettings, clientConfig } from '../src/db/connection.ts';
import type { ProviderName } from './company.ts';

/** The restart first: of a killed and a frozen process test/process/crash.test.ts has cells, too. */
const blows = ['restart', 'kill', 'freeze', 'gone'] as const;
type Blow = (typeof blows)[number];

/** What may come of a message: how often it reached the provider, and its state in the end. */
export type Outcome = 'sent once' | 'a doubt, unsent';

/** One line of docs/dispatch.md's list of failpoints: how to get a process there, and what is promised of it. */
export interface Point {
  name: string;
  /** The process freezes itself there. */
  failpoint?: 'after_accept' | 'after_claim' | 'answer_read';
  /** Else it is there when somebody else holds this table … */
  locked?: 'attendances' | 'attempts';
  /** … or when the provider has the message and does not answer yet. */
  in_the_air?: boolean;
  /** The process that is struck serves without lanes: only the start itself is looked at. */
  without_lanes?: boolean;
  /** The recipient's last four digits: what the simulator does with it. */
  digits: string;
  promised: (blow: Blow) => Outcome[];
}

const ordinary = '1000';
const slow = '0408';
const statuses_first = '0708';
const once = (): Outcome[] => ['sent once'];
const either = (): Outcome[] => ['sent once', 'a doubt, unsent'];

const points: Point[] = [
  { name: 'in T1', locked: 'attendances', without_lanes: true, digits: ordinary, promised: once },
  { name: 'after T1', failpoint: 'after_accept', without_lanes: true, digits: ordinary, promised: once },
  // What waits for a lock is committed or rolled back, as the database notices or not that nobody is there any more.
  { name: 'in T2', locked: 'attempts', digits: ordinary, promised: either },
  {
    name: 'after T2',
    failpoint: 'after_claim',
    digits: ordinary,
    // A process that is gone, or too late, sends nothing; one that lives goes on, database or not.
    promised: (blow) => (blow === 'kill' || blow === 'freeze' ? ['a doubt, unsent'] : either()),
  },
  { name: 'bytes out', in_the_air: true, digits: slow, promised: once },
  { name: 'answer read', failpoint: 'answer_read', digits: ordinary, promised: once },
  { name: 'T5 before T3', failpoint: 'answer_read', digits: statuses_first, promised: once },
];

export interface Cell {
  name: string;
  point: Point;
  blow: Blow;
  provider: ProviderName;
}

/** All cells, one blow after the other at every point, with the providers in turn: the first ones have each point once. */
export function listCells(providers: readonly ProviderName[]): Cell[] {
  return providers.flatMap((_, turn) =>
    blows.flatMap((blow) =>
      points.map((point, place) => {
        const provider = providers[(turn + place) % providers.length] ?? 'evolution';
        return { name: `${point.name}, ${blow}, ${provider}`, point, blow, provider };
      }),
    ),
  );
}

/** Holds a table so that whoever wants to write it waits; answers how to let go, which never throws. */
export async function lockTable(settings: ConnectionSettings, table: string): Promise<() => Promise<void>> {
  const client = new pg.Client(clientConfig(settings, 'conversar torture'));
  client.on('error', () => undefined); // a restart of the server lets go, too
  await client.connect();
  await client.query('begin');
  await client.query(`lock table ${table} in share row exclusive mode`);
  return () => client.end().catch(() => undefined);
}

/** How many sessions of a Conversar wait for a lock. */
export async function countBlocked(settings: ConnectionSettings): Promise<number> {
  const client = new pg.Client(clientConfig(settings, 'conversar torture'));
  await client.connect();
  const { rows } = await client
    .query<{ n: string }>(
      `select count(*) as n from pg_stat_activity
        where datname = current_database() and application_name = 'conversar' and wait_event_type = 'Lock'`,
    )
    .finally(() => client.end());
  return Number(rows[0]?.n ?? 0);
}
