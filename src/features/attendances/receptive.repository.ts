import type { Scope } from '../../context.ts';
import type { AttendancesRow } from '../../db/rows.ts';
import { columnsOf, table } from '../../db/table.ts';

type Ctx = Pick<Scope, 'db' | 'account_id' | 'now'>;

/** The attendance that is starting or open between a contact and a channel, locked. */
export async function lockActiveOf(
  ctx: Ctx,
  contact_id: string,
  channel_id: string,
): Promise<AttendancesRow | undefined> {
  return table(ctx, 'attendances')
    .where({ contact_id, channel_id })
    .whereIn('status', ['starting', 'open'])
    .forNoKeyUpdate()
    .first();
}

/**
 * The attendance that a message brings back, locked: the last one when it was closed after `closed_after`; or the last one
 * when it failed and the message answers one of its messages, or came within a day.
 */
export async function findReopenable(
  { db, account_id }: Ctx,
  asked: { contact_id: string; channel_id: string; closed_after: Date; replied_id: string | null },
): Promise<AttendancesRow | undefined> {
  const { rows } = await db.raw<{ rows: AttendancesRow[] }>(
    `select ${columnsOf('attendances', 'a')} from attendances a
      where a.account_id = :account_id and a.contact_id = :contact_id and a.channel_id = :channel_id
        and a.id = (select l.id from (
              select id from attendances
               where account_id = :account_id and contact_id = :contact_id and channel_id = :channel_id
               order by id desc limit 1) l)
        and (a.status = 'closed' and a.closed_at > :closed_after and coalesce(a.close_reason, '') not in ('merged', 'contact_erased')
             or a.status = 'failed' and (a.updated_at > now() - interval '1 day' or a.id = cast(:replied_id as uuid)))
        for no key update of a`,
    { account_id, ...asked },
  );
  return rows[0];
}

export interface ReceptiveAttendance {
  id: string;
  contact_id: string;
  channel_id: string;
  team_id: string | null;
  address_kind: string | null;
  address: string | null;
}

/** An attendance that the contact opened; breaks `attendances_one_active` when there is one by now. */
export async function insertReceptive(ctx: Ctx, given: ReceptiveAttendance): Promise<AttendancesRow> {
  const now = ctx.now();
  const [row] = await ctx
    .db<AttendancesRow>('attendances')
    .insert({
      ...given,
      account_id: ctx.account_id,
      origin: 'receptive',
      status: 'open',
      created_at: now,
      updated_at: now,
    })
    .returning('*');
  if (!row) throw new Error('an insert returned no row');
  return row;
}
