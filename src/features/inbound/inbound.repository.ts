import type { Context } from '../../context.ts';
import { prepare } from '../../db/statement.ts';

type Ctx = Pick<Context, 'db'>;

/** A body that this process may expand until its lease ends. */
export interface ClaimedBody {
  account_id: string;
  id: string;
  channel_id: string;
  body: Buffer;
  attempt: number;
  fence: number;
  received_at: Date;
}

/** An event that could not be applied before, claimed once more. */
export interface ClaimedItem {
  account_id: string;
  body_id: string;
  place: number;
  channel_id: string;
  event: Buffer;
  tries: number;
  fence: number;
  received_at: Date;
}

/** What one claim reads, as one statement of the door writes; a body takes up to 3.5 MB. */
const most_bytes_claimed = 4 * 1024 * 1024;

/**
 * Takes the oldest due bodies of at most `free` channels, `per_channel` of each, in their order; the channel first whose oldest
 * waits the longest. A channel of which a body is being expanded is left alone, so that messages keep their order: that is
 * asked once more under its lock, for another process may have claimed since this statement began. Of what is found the first of
 * each channel is taken before the second of any, up to `most_bytes` in all; the very first one, however large it is.
 */
const claim = prepare<{ free: number; per_channel: number; most_bytes: number; lease: string }, ClaimedBody>(
  'claim_inbound_bodies',
  `with recursive waiting as (
    (select account_id, channel_id from inbound_bodies order by account_id, channel_id limit 1)
    union all
    select n.account_id, n.channel_id
      from waiting w
     cross join lateral (
       select b.account_id, b.channel_id from inbound_bodies b
        where (b.account_id, b.channel_id) > (w.account_id, w.channel_id)
        order by b.account_id, b.channel_id limit 1) n
  ),
  idle as materialized (
    select w.account_id, w.channel_id, oldest.id as oldest_id from waiting w
     cross join lateral (
       select b.id from inbound_bodies b
        where b.account_id = w.account_id and b.channel_id = w.channel_id and b.state = 'due' and b.run_at <= now()
        order by b.id limit 1) oldest
     where not exists (select from inbound_bodies b
                        where b.account_id = w.account_id and b.channel_id = w.channel_id and b.state = 'working')
     order by oldest.id
  ),
  chosen as (
    select account_id, channel_id, oldest_id from idle
     where case when pg_try_advisory_xact_lock(hashtextextended(cast(channel_id as text), 4))
                then not is_being_expanded(account_id, channel_id) else false end
     limit :free
  ),
  locked as (
    select p.account_id, p.id, p.bytes, c.oldest_id,
           row_number() over (partition by c.account_id, c.channel_id order by p.id) as turn
      from chosen c
     cross join lateral (
       select b.account_id, b.id, octet_length(b.body) as bytes from inbound_bodies b
        where b.account_id = c.account_id and b.channel_id = c.channel_id and b.state = 'due' and b.run_at <= now()
        order by b.id limit :per_channel for update skip locked) p
  ),
  picked as (
    select account_id, id
      from (select account_id, id, bytes, sum(bytes) over (order by turn, oldest_id rows unbounded preceding) as so_far
              from locked) l
     where so_far <= cast(:most_bytes as bigint) or so_far = bytes
  ),
  claimed as (
    update inbound_bodies b
       set state = 'working', attempt = b.attempt + 1, fence = nextval('fences'),
           lease_until = now() + cast(:lease as interval)
      from picked p
     where b.account_id = p.account_id and b.id = p.id and b.state = 'due'
    returning b.account_id, b.id, b.channel_id, b.body, b.attempt, b.fence, b.received_at
  )
  select * from claimed order by account_id, channel_id, id`,
);

export async function claimBodies(
  { db }: Ctx,
  free: number,
  lease_ms: number,
  { per_channel = 50, most_bytes = most_bytes_claimed } = {},
): Promise<ClaimedBody[]> {
  return claim(db, { free, per_channel, most_bytes, lease: `${lease_ms} milliseconds` });
}

const claimAgain = prepare<{ limit: number; lease: string }, ClaimedItem>(
  'claim_inbound_items',
  `with picked as (
     select account_id, body_id, place from inbound_items
      where state = 'due' and run_at <= now() order by run_at limit :limit for update skip locked
   )
   update inbound_items i
      set state = 'working', tries = i.tries + 1, fence = nextval('fences'), lease_until = now() + cast(:lease as interval)
     from picked p
    where i.account_id = p.account_id and i.body_id = p.body_id and i.place = p.place
   returning i.account_id, i.body_id, i.place, i.channel_id, i.event, i.tries, i.fence, i.received_at`,
);

export async function claimItems({ db }: Ctx, limit: number, lease_ms: number): Promise<ClaimedItem[]> {
  return claimAgain(db, { limit, lease: `${lease_ms} milliseconds` });
}

/** An event that could not be applied now. */
export interface KeptItem {
  account_id: string;
  body_id: string;
  place: number;
  channel_id: string;
  event: Buffer;
  kind: string;
  reason: string;
  run_in_ms: number;
  received_at: Date;
}

const finish = prepare<{ bodies: string; accounts: string[]; ids: string[]; kept: string }>(
  'finish_bodies',
  `with gone as (
    delete from inbound_bodies b
     using jsonb_to_recordset(cast(:bodies as jsonb)) as g (account_id uuid, id uuid, fence bigint)
     where b.account_id = g.account_id and b.id = g.id and b.fence = g.fence and b.state = 'working'
       and b.account_id = any (cast(:accounts as uuid[])) and b.id = any (cast(:ids as uuid[]))
    returning b.account_id, b.id
  )
  insert into inbound_items (account_id, body_id, place, channel_id, event, kind, reason, run_at, received_at)
  select g.account_id, g.id, k.place, k.channel_id, decode(k.event, 'base64'), k.kind, k.reason,
         now() + k.run_in_ms * interval '1 millisecond', k.received_at
    from gone g join jsonb_to_recordset(cast(:kept as jsonb))
           as k (account_id uuid, body_id uuid, place integer, channel_id uuid, event text, kind text, reason text,
                 run_in_ms integer, received_at timestamptz)
      on k.account_id = g.account_id and k.body_id = g.id
  on conflict do nothing`,
);

/** The bodies are expanded: they go, and what of them could not be applied stays as items. Nothing with a stale fence. */
export async function finishBodies(
  { db }: Ctx,
  bodies: Pick<ClaimedBody, 'account_id' | 'id' | 'fence'>[],
  kept: KeptItem[],
): Promise<void> {
  await finish(db, {
    bodies: JSON.stringify(bodies.map(({ account_id, id, fence }) => ({ account_id, id, fence }))),
    accounts: [...new Set(bodies.map(({ account_id }) => account_id))],
    ids: bodies.map(({ id }) => id),
    kept: JSON.stringify(kept.map(({ event, ...item }) => ({ ...item, event: event.toString('base64') }))),
  });
}

/** Their leases begin anew; returns the ids of those that nobody else has taken since. */
export async function extendLeases(
  { db }: Ctx,
  bodies: Pick<ClaimedBody, 'account_id' | 'id' | 'fence'>[],
  lease_ms: number,
): Promise<Set<string>> {
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `update inbound_bodies b set lease_until = now() + cast(:lease as interval)
       from jsonb_to_recordset(cast(:bodies as jsonb)) as g (account_id uuid, id uuid, fence bigint)
      where b.account_id = g.account_id and b.id = g.id and b.fence = g.fence and b.state = 'working'
     returning b.id`,
    {
      lease: `${lease_ms} milliseconds`,
      bodies: JSON.stringify(bodies.map(({ account_id, id, fence }) => ({ account_id, id, fence }))),
    },
  );
  return new Set(rows.map(({ id }) => id));
}

/** Claimed and not begun: due again, as if it had not been. */
export async function giveBack({ db }: Ctx, bodies: Pick<ClaimedBody, 'account_id' | 'id' | 'fence'>[]): Promise<void> {
  await db.raw(
    `update inbound_bodies b set state = 'due', attempt = b.attempt - 1, lease_until = null
       from jsonb_to_recordset(cast(:bodies as jsonb)) as g (account_id uuid, id uuid, fence bigint)
      where b.account_id = g.account_id and b.id = g.id and b.fence = g.fence and b.state = 'working'`,
    { bodies: JSON.stringify(bodies.map(({ account_id, id, fence }) => ({ account_id, id, fence }))) },
  );
}

/** The body cannot be read at all: kept, with the reason. */
export async function quarantineBody(
  { db }: Ctx,
  { account_id, id, fence }: Pick<ClaimedBody, 'account_id' | 'id' | 'fence'>,
  reason: string,
): Promise<void> {
  await db('inbound_bodies')
    .where({ account_id, id, fence, state: 'working' })
    .update({ state: 'quarantined', reason: reason.slice(0, 500), lease_until: null });
}

export async function deleteItem({ db }: Ctx, { account_id, body_id, place, fence }: ClaimedItem): Promise<void> {
  await db('inbound_items').where({ account_id, body_id, place, fence }).delete();
}

/** Due again later, or quarantined; with the reason. */
export async function postponeItem(
  { db }: Ctx,
  { account_id, body_id, place, fence }: ClaimedItem,
  { reason, run_in_ms }: { reason: string; run_in_ms: number | null },
): Promise<void> {
  await db('inbound_items')
    .where({ account_id, body_id, place, fence })
    .update({
      state: run_in_ms === null ? 'quarantined' : 'due',
      reason: reason.slice(0, 500),
      lease_until: null,
      run_at: db.raw(`now() + cast(? as interval)`, [`${run_in_ms ?? 0} milliseconds`]),
    });
}

/**
 * Passed leases: due again, for expanding twice has no second effect; what was tried `most` times is quarantined, an event whose
 * reason is `waits` after `most_waits`: so many tries are no fault of its own.
 */
export async function releaseLost(
  { db }: Ctx,
  { most, most_waits, waits }: { most: number; most_waits: number; waits: string },
): Promise<number> {
  const { rowCount: bodies } = await db.raw<{ rowCount: number }>(
    `update inbound_bodies
        set state = case when attempt >= :most then 'quarantined' else 'due' end, lease_until = null,
            reason = case when attempt >= :most then 'its expansion never ended' else reason end,
            run_at = now() + attempt * interval '1 second'
      where state = 'working' and lease_until <= now()`,
    { most },
  );
  const { rowCount: items } = await db.raw<{ rowCount: number }>(
    `update inbound_items
        set state = case when tries >= case when reason = :waits then cast(:most_waits as integer) else :most end then 'quarantined' else 'due' end, lease_until = null
      where state = 'working' and lease_until <= now()`,
    { most, most_waits, waits },
  );
  return bodies + items;
}
