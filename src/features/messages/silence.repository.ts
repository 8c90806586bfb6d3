import type { Context } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf } from '../../db/table.ts';

type SilentMessage = Pick<MessagesRow, 'account_id' | 'id' | 'attendance_id'>;

const list = prepare<{ limit: number }, SilentMessage>(
  'list_silent_messages',
  `select account_id, id, attendance_id from messages
    where state = 'settled' and status = 'accepted' and stuck_at is null and run_at <= now() order by run_at limit :limit`,
);

/** Messages that were accepted and never heard of again, whose time for that is up; at most `limit`. */
export async function listSilent({ db }: Pick<Context, 'db'>, limit: number): Promise<SilentMessage[]> {
  return list(db, { limit });
}

/** Marks them as stuck, unless news came meanwhile; returns those it marked. Their attendances are locked. */
export async function markStuck(
  { db }: Pick<Context, 'db'>,
  keys: { account_id: string; id: string }[],
): Promise<MessagesRow[]> {
  const { rows } = await db.raw<{ rows: MessagesRow[] }>(
    `update messages m set stuck_at = now(), updated_at = now()
       from unnest(cast(:accounts as uuid[]), cast(:ids as uuid[])) as k (account_id, id)
      where m.account_id = k.account_id and m.id = k.id and m.status = 'accepted' and m.stuck_at is null
     returning ${columnsOf('messages', 'm')}`,
    { accounts: keys.map((key) => key.account_id), ids: keys.map((key) => key.id) },
  );
  return rows;
}
