import type { Scope } from '../../context.ts';
import type { AttendancesRow } from '../../db/rows.ts';
import { table } from '../../db/table.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

/** Ids of all attendances with a contact, in their order. */
export async function listAttendanceIds(ctx: Ctx, contact_id: string): Promise<string[]> {
  const rows = await table(ctx, 'attendances').where({ contact_id }).orderBy('id').select('id');
  return rows.map((row) => row.id);
}

/** The same, locked against changes and new messages until the transaction ends. */
export async function lockAttendancesOfContact(ctx: Ctx, contact_id: string): Promise<string[]> {
  const rows = await table(ctx, 'attendances').where({ contact_id }).orderBy('id').forUpdate().select('id');
  return rows.map((row) => row.id);
}

export interface ErasedAttendance extends AttendancesRow {
  was_live: boolean;
  /** How many event numbers were taken: one per message told of, one more where it was closed. */
  taken: number;
}

/**
 * Closes what is starting or open with the contact and blanks what all of them tell of the person, but not who of the
 * company started it. `told` counts the messages of each attendance that an event will tell of; the numbers are taken here.
 */
export async function eraseAttendances(
  { db, account_id }: Ctx,
  contact_id: string,
  told: Map<string, number>,
  erased_at: Date,
): Promise<ErasedAttendance[]> {
  const { rows } = await db.raw<{ rows: ErasedAttendance[] }>(
    `with before as (
       select a.id, a.status in ('starting', 'open') as was_live,
              coalesce(t.told, 0) + case when a.status in ('starting', 'open') then 1 else 0 end as taken
         from attendances a
         left join unnest(cast(:ids as uuid[]), cast(:counts as integer[])) as t (id, told) on t.id = a.id
        where a.account_id = :account_id and a.contact_id = :contact_id
     )
     update attendances a
        set status = case when b.was_live then 'closed' else a.status end,
            closed_at = case when b.was_live then cast(:erased_at as timestamptz) else a.closed_at end,
            close_reason = case when b.was_live then 'contact_erased' end,
            external_ref = null, metadata = '{}', address_kind = null, address = null,
            event_sequence = a.event_sequence + b.taken,
            updated_at = :erased_at
       from before b
      where a.account_id = :account_id and a.id = b.id
     returning a.*, b.was_live, b.taken`,
    { account_id, contact_id, ids: [...told.keys()], counts: [...told.values()], erased_at },
  );
  return rows;
}

/** Of one contact, oldest first, `limit + 1` rows. */
export async function listAttendancesOfContact(
  ctx: Ctx,
  contact_id: string,
  page: { limit: number; after_id: string | null },
): Promise<AttendancesRow[]> {
  const query = table(ctx, 'attendances')
    .where({ contact_id })
    .orderBy('id')
    .limit(page.limit + 1);
  return page.after_id === null ? query : query.where('id', '>', page.after_id);
}
