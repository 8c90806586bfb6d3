import type { Context } from '../../context.ts';
import { prepare } from '../../db/statement.ts';
import type { Resolution } from './dispatch.repository.ts';

type Ctx = Pick<Context, 'db'>;

/** A message of which nobody can tell whether it went out. */
export interface Doubt {
  account_id: string;
  attendance_id: string;
  id: string;
  channel_id: string;
  attempt: number;
  unknown_at: Date;
  resolutions: Resolution[];
}

const listDue = prepare<{ limit: number }, Doubt>(
  'list_due_doubts',
  `select account_id, attendance_id, id, channel_id, attempt, unknown_at, resolutions from messages
    where state = 'unknown' and run_at <= now() order by run_at limit :limit`,
);

/** Doubts whose policy is to look at them now; at most `limit`. */
export async function listDueDoubts({ db }: Ctx, limit: number): Promise<Doubt[]> {
  return listDue(db, { limit });
}

/**
 * Those of these doubts since which a later message of the same channel was accepted and then heard of again: status
 * webhooks flow, and none came for the doubt.
 */
export async function listSilentDoubts({ db }: Ctx, doubts: Doubt[]): Promise<Set<string>> {
  if (doubts.length === 0) return new Set();
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `select m.id from messages m
       join unnest(cast(:accounts as uuid[]), cast(:ids as uuid[])) as k (account_id, id)
         on m.account_id = k.account_id and m.id = k.id
      where exists (
        select from messages later
         where later.account_id = m.account_id and later.id > m.id and later.channel_id = m.channel_id
           and later.accepted_at > m.unknown_at
           and greatest(later.sent_at, later.delivered_at, later.read_at) > m.unknown_at)`,
    { accounts: doubts.map((one) => one.account_id), ids: doubts.map((one) => one.id) },
  );
  return new Set(rows.map((row) => row.id));
}

/** Sets when these doubts are looked at again. */
export async function postponeDoubts(
  { db }: Ctx,
  postponed: { account_id: string; id: string; until: Date }[],
): Promise<void> {
  if (postponed.length === 0) return;
  await db.raw(
    // It holds no attendance's lock, so it waits for no row: what is locked is being decided this instant.
    `update messages m set run_at = p.until
       from (select d.account_id, d.id, g.until
               from jsonb_to_recordset(cast(:postponed as jsonb)) as g (account_id uuid, id uuid, until timestamptz)
               join messages d on d.account_id = g.account_id and d.id = g.id
              where d.state = 'unknown' for update of d skip locked) p
      where m.account_id = p.account_id and m.id = p.id`,
    { postponed: JSON.stringify(postponed) },
  );
}
