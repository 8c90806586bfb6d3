import type { Scope } from '../../context.ts';
import type { AttendancesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf } from '../../db/table.ts';

type Ctx = Pick<Scope, 'db' | 'account_id' | 'now'>;

const lockActive = prepare<{ account_id: string; contact_ids: string[]; channel_id: string }, AttendancesRow>(
  'lock_active_of',
  `select ${columnsOf('attendances', 'a')} from attendances a
    where a.account_id = :account_id and a.contact_id = any (cast(:contact_ids as uuid[])) and a.channel_id = :channel_id
      and a.status in ('starting', 'open')
    order by a.id for no key update of a`,
);

/** The attendances that are starting or open between a channel and each of these contacts, locked. */
export async function lockActiveOf(
  { db, account_id }: Ctx,
  contact_ids: string[],
  channel_id: string,
): Promise<AttendancesRow[]> {
  if (contact_ids.length === 0) return [];
  return lockActive(db, { account_id, contact_ids, channel_id });
}

const lockAll = prepare<{
  account_id: string;
  channel_id: string;
  attendance_ids: string[];
  contact_ids: string[];
}>(
  'lock_involved',
  `select a.id from attendances a
    where a.account_id = :account_id and a.id in (
      select unnest(cast(:attendance_ids as uuid[]))
       union
      select l.id from attendances l
       where l.account_id = :account_id and l.contact_id = any (cast(:contact_ids as uuid[])) and l.channel_id = :channel_id
         and l.status in ('starting', 'open'))
    order by a.id for no key update of a`,
);

/**
 * Locks in one order what several steps of a transaction will lock piece by piece: these attendances, and the starting or
 * open ones between the channel and these contacts.
 */
export async function lockInvolved(
  { db, account_id }: Ctx,
  channel_id: string,
  { attendance_ids, contact_ids }: { attendance_ids: string[]; contact_ids: string[] },
): Promise<void> {
  await lockAll(db, { account_id, channel_id, attendance_ids, contact_ids });
}

/** A contact without an active attendance, and that of the message which theirs answers. */
export interface Returning {
  contact_id: string;
  replied_id: string | null;
}

const lockBack = prepare<
  { account_id: string; channel_id: string; closed_after: Date; returning: string },
  AttendancesRow
>(
  'lock_reopenable',
  `with last as (
     select l.id, n.replied_id from jsonb_to_recordset(cast(:returning as jsonb)) as n (contact_id uuid, replied_id uuid)
      cross join lateral (
        select id from attendances
         where account_id = :account_id and contact_id = n.contact_id and channel_id = :channel_id
         order by id desc limit 1) l
   )
   select ${columnsOf('attendances', 'a')} from attendances a join last l on l.id = a.id
    where a.account_id = :account_id
      and (a.status = 'closed' and a.closed_at > :closed_after and coalesce(a.close_reason, '') not in ('merged', 'contact_erased')
           or a.status = 'failed' and (a.updated_at > now() - interval '1 day' or a.id = l.replied_id))
    order by a.id for no key update of a`,
);

/**
 * The attendances that messages bring back, locked, at most one for each contact: the last one when it was closed after
 * `closed_after`; or the last one when it failed and the message answers one of its messages, or came within a day.
 */
export async function lockReopenable(
  { db, account_id }: Ctx,
  asked: { returning: Returning[]; channel_id: string; closed_after: Date },
): Promise<AttendancesRow[]> {
  if (asked.returning.length === 0) return [];
  const { returning, channel_id, closed_after } = asked;
  return lockBack(db, { account_id, channel_id, closed_after, returning: JSON.stringify(returning) });
}

export interface ReceptiveAttendance {
  id: string;
  contact_id: string;
  channel_id: string;
  team_id: string | null;
  address_kind: string | null;
  address: string | null;
  window_expires_at: Date | null;
  /** Numbers taken for what is told of it. */
  event_sequence: number;
}

const insert = prepare<{ account_id: string; now: Date; given: string }, AttendancesRow>(
  'insert_receptive',
  `insert into attendances as a (account_id, id, contact_id, channel_id, team_id, address_kind, address, window_expires_at,
                                 event_sequence, origin, status, created_at, updated_at)
   select cast(:account_id as uuid), n.id, n.contact_id, n.channel_id, n.team_id, n.address_kind, n.address,
          n.window_expires_at, n.event_sequence, 'receptive', 'open', cast(:now as timestamptz), :now
     from jsonb_to_recordset(cast(:given as jsonb))
          as n (id uuid, contact_id uuid, channel_id uuid, team_id uuid, address_kind text, address text,
                window_expires_at timestamptz, event_sequence integer)
   returning ${columnsOf('attendances', 'a')}`,
);

/** Attendances that contacts opened; breaks `attendances_one_active` when there is one by now. */
export async function insertReceptive(
  { db, account_id, now }: Ctx,
  given: ReceptiveAttendance[],
): Promise<AttendancesRow[]> {
  if (given.length === 0) return [];
  return insert(db, { account_id, given: JSON.stringify(given), now: now() });
}
