import type { Scope } from '../../context.ts';
import { table } from '../../db/table.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

/** Of these contacts' starting or open attendances those that a channel has beside an older one. */
export async function listSecondActive({ db, account_id }: Ctx, contact_ids: string[]): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `select id from (
       select id, row_number() over (partition by channel_id order by created_at, id) as place from attendances
        where account_id = :account_id and contact_id = any (cast(:contact_ids as uuid[])) and status in ('starting', 'open')) a
      where place > 1`,
    { account_id, contact_ids },
  );
  return rows.map((row) => row.id);
}

/** The starting or open attendance with a contact over a channel goes to another address from now on. */
export async function readdressActive(
  ctx: Ctx,
  contact_id: string,
  channel_id: string,
  { kind, value }: { kind: string; value: string },
): Promise<void> {
  await table(ctx, 'attendances')
    .where({ contact_id, channel_id })
    .whereIn('status', ['starting', 'open'])
    .update({ address_kind: kind, address: value });
}

/** All attendances of one contact, and their messages by cascade, become another's. */
export async function moveAttendances(ctx: Ctx, from: string, to: string): Promise<void> {
  await table(ctx, 'attendances').where({ contact_id: from }).update({ contact_id: to });
}
