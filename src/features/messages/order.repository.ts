import type { Context, Scope } from '../../context.ts';
import type { MessagesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';

/**
 * SQL: the last messages of an attendance. What waits is among them, and they are looked for by attendance: asked for what is
 * queued, PostgreSQL would walk the whole queue of an account.
 */
const lastOf = (account_id: string, attendance_id: string) => `
  (select id, state, attempt, run_at, send_before from messages
    where account_id = ${account_id} and attendance_id = ${attendance_id} order by id desc limit 500)`;

/** SQL: nobody waits for `m` beyond this. After its `send_before` it is not sent any more. */
const waits_until = 'least(m.run_at, m.send_before)';

const putBehind = prepare<{ account_id: string; attendance_id: string; id: string }>(
  'queue_behind',
  `
  with ahead as (
    select max(${waits_until}) as until from ${lastOf(':account_id', ':attendance_id')} m
     where m.state = 'queued' and m.id <> cast(:id as uuid)
  )
  update messages o set run_at = a.until + interval '1 millisecond' from ahead a
   where o.account_id = :account_id and o.id = :id and o.run_at <= a.until`,
);

/** A message that was queued now is due after those that wait in its attendance; the caller holds the attendance's lock. */
export async function queueBehind(
  { db, account_id }: Pick<Scope, 'db' | 'account_id'>,
  { id, attendance_id }: Pick<MessagesRow, 'id' | 'attendance_id'>,
): Promise<void> {
  await putBehind(db, { account_id, attendance_id, id });
}

const holdBack = prepare<{ messages: string }>(
  'hold_back_later_messages',
  `
  with ahead as (
    select distinct on (g.account_id, m.attendance_id) g.account_id, m.attendance_id, g.id, ${waits_until} as until
      from jsonb_to_recordset(cast(:messages as jsonb)) as g (account_id uuid, id uuid)
     cross join lateral (select attendance_id, run_at, send_before from messages m
                          where m.account_id = g.account_id and m.id = g.id offset 0) m
     order by g.account_id, m.attendance_id, ${waits_until} desc
  ),
  later as (
    select a.account_id, m.id, m.run_at as was,
           greatest(m.run_at, a.until + interval '1 millisecond'
                                * row_number() over (partition by a.account_id, a.attendance_id order by m.run_at, m.id)) as run_at
      from ahead a
     cross join lateral ${lastOf('a.account_id', 'a.attendance_id')} m
     -- Ids are of several clocks: who was not tried yet is behind one that was.
     where m.state = 'queued' and m.id <> a.id and (m.id > a.id or m.attempt = 0)
  )
  -- One that is claimed meanwhile has no use for its time any more.
  update messages m set run_at = l.run_at from later l where m.account_id = l.account_id and m.id = l.id and l.run_at > l.was`,
);

/**
 * Messages of one attendance leave in their order: those behind one that went back to the queue are due after it, as long as
 * it may still be sent. The caller holds the attendances' locks.
 */
export async function holdBackLater({ db }: Pick<Context, 'db'>, messages: MessagesRow[]): Promise<void> {
  const ahead = messages.filter(({ state }) => state === 'queued');
  if (ahead.length === 0) return;
  await holdBack(db, { messages: JSON.stringify(ahead.map(({ account_id, id }) => ({ account_id, id }))) });
}
