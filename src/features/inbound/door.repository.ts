import type { Context } from '../../context.ts';
import { prepare } from '../../db/statement.ts';
import { type InboundFacts, unchanged_channels } from '../channels/channels.repository.ts';

type Ctx = Pick<Context, 'db'>;

export interface NewBody {
  account_id: string;
  id: string;
  channel_id: string;
  body: Buffer;
  received_at: Date;
}

const insertOne = prepare<NewBody>(
  'insert_inbound_body',
  `insert into inbound_bodies (account_id, id, channel_id, body, received_at)
   values (:account_id, :id, :channel_id, :body, :received_at)`,
);

/** Stores a body; it is the provider's to repeat until this has committed. Breaks its foreign key when the channel is gone. */
export async function insertBody({ db }: Ctx, row: NewBody): Promise<void> {
  await insertOne(db, row);
}

/** All bodies travel as one value, for an array of them would be written in hexadecimal. */
const insertAll = prepare<
  {
    channels: string[];
    credentials: Buffer[];
    tokens: string[];
    bodies: Buffer;
    ids: string[];
    of: string[];
    starts_at: number[];
    bytes: number[];
    received_at: Date[];
  },
  { id: string }
>(
  'insert_inbound_bodies',
  `with ${unchanged_channels}
  insert into inbound_bodies (account_id, id, channel_id, body, received_at)
  select c.account_id, b.id, b.channel_id, substring(cast(:bodies as bytea) from b.starts_at for b.bytes), b.received_at
    from unnest(cast(:ids as uuid[]), cast(:of as uuid[]), cast(:starts_at as integer[]), cast(:bytes as integer[]),
                cast(:received_at as timestamptz[])) as b (id, channel_id, starts_at, bytes, received_at)
    join unchanged c on c.id = b.channel_id
  returning id`,
);

/** Stores bodies of channels that still are as they are known; returns the ids of those that are stored. */
export async function insertBodies(
  { db }: Ctx,
  rows: NewBody[],
  known: Pick<InboundFacts, 'id' | 'credentials' | 'verify_token'>[],
): Promise<Set<string>> {
  let next = 1;
  const starts_at = rows.map(({ body }) => {
    const start = next;
    next += body.length;
    return start;
  });
  const stored = await insertAll(db, {
    channels: known.map(({ id }) => id),
    credentials: known.map(({ credentials }) => credentials),
    tokens: known.map(({ verify_token }) => verify_token),
    bodies: Buffer.concat(rows.map(({ body }) => body)),
    ids: rows.map(({ id }) => id),
    of: rows.map(({ channel_id }) => channel_id),
    starts_at,
    bytes: rows.map(({ body }) => body.length),
    received_at: rows.map(({ received_at }) => received_at),
  });
  return new Set(stored.map(({ id }) => id));
}
