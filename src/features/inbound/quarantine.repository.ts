import type { Context } from '../../context.ts';

type Ctx = Pick<Context, 'db'>;

export interface Quarantined {
  account_id: string;
  channel_id: string;
  body_id: string;
  /** Null for a whole body. */
  place: number | null;
  kind: string;
  reason: string;
  received_at: Date;
}

/** Oldest first, at most `limit`. */
export async function listQuarantined({ db }: Ctx, limit: number): Promise<Quarantined[]> {
  const { rows } = await db.raw<{ rows: Quarantined[] }>(
    `select account_id, channel_id, id as body_id, cast(null as integer) as place, 'body' as kind, reason, received_at
       from inbound_bodies where state = 'quarantined'
      union all
     select account_id, channel_id, body_id, place, kind, reason, received_at from inbound_items where state = 'quarantined'
      order by received_at, body_id, place limit ?`,
    [limit],
  );
  return rows;
}

/** Makes what is quarantined due again: of one body, or all. Returns how many. */
export async function retryQuarantined({ db }: Ctx, body_id: string | null): Promise<number> {
  const { rowCount: bodies } = await db.raw<{ rowCount: number }>(
    `update inbound_bodies set state = 'due', attempt = 0, run_at = now()
      where state = 'quarantined' and (cast(:body_id as uuid) is null or id = :body_id)`,
    { body_id },
  );
  const { rowCount: items } = await db.raw<{ rowCount: number }>(
    `update inbound_items set state = 'due', tries = 0, run_at = now()
      where state = 'quarantined' and (cast(:body_id as uuid) is null or body_id = :body_id)`,
    { body_id },
  );
  return bodies + items;
}

/** All of an account that still waits or is quarantined, sealed: bodies with a null place. */
export async function listSealed(
  { db }: Ctx,
  account_id: string,
): Promise<{ body_id: string; place: number | null; sealed: Buffer }[]> {
  const { rows } = await db.raw<{ rows: { body_id: string; place: number | null; sealed: Buffer }[] }>(
    `select id as body_id, cast(null as integer) as place, body as sealed from inbound_bodies where account_id = :account_id
      union all
     select body_id, place, event as sealed from inbound_items where account_id = :account_id`,
    { account_id },
  );
  return rows;
}

/** Drops one body, or one item of it. */
export async function dropSealed(
  { db }: Ctx,
  account_id: string,
  { body_id, place }: { body_id: string; place: number | null },
): Promise<void> {
  if (place === null) await db('inbound_bodies').where({ account_id, id: body_id }).delete();
  else await db('inbound_items').where({ account_id, body_id, place }).delete();
}
