import type { Scope } from '../../context.ts';

/** The attempts of these attendances' messages become the contact's: the pace is the person's. */
export async function moveAttempts(
  { db, account_id }: Pick<Scope, 'db' | 'account_id'>,
  attendance_ids: string[],
  contact_id: string,
): Promise<void> {
  await db.raw(
    `update attempts a set contact_id = :contact_id
       from messages m
      where m.account_id = :account_id and m.attendance_id = any (cast(:attendance_ids as uuid[]))
        and a.account_id = m.account_id and a.message_id = m.id`,
    { account_id, attendance_ids, contact_id },
  );
}
