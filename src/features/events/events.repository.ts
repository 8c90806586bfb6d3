import type { Context, Scope } from '../../context.ts';
import { prepare } from '../../db/statement.ts';
import { table } from '../../db/table.ts';
import type { NewEvent, TimelineEntryView } from './events.schema.ts';

/** The columns of `:events` in a statement that writes events among other rows. */
export const event_columns = `account_id uuid, id uuid, type text, attendance_id uuid, attendance_sequence integer,
  message_id uuid, contact_id uuid, data jsonb, created_at timestamptz`;

const write = prepare<{ events: string }>(
  'insert_events',
  `insert into events (account_id, id, type, attendance_id, attendance_sequence, message_id, contact_id, data, created_at)
  select account_id, id, type, attendance_id, attendance_sequence, message_id, contact_id, data, created_at
    from jsonb_to_recordset(cast(:events as jsonb)) as e (${event_columns})`,
);

/** Writes events of any accounts, in the order given. */
export async function insertEvents({ db }: Pick<Context, 'db'>, events: NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await write(db, { events: JSON.stringify(events) });
}

/** The contact whom an event tells of; null for none, or when the event is gone. */
export async function findContactOf(ctx: Pick<Scope, 'db' | 'account_id'>, event_id: string): Promise<string | null> {
  const event = await table(ctx, 'events').where({ id: event_id }).first('contact_id');
  return event?.contact_id ?? null;
}

interface TimelineRow {
  type: string;
  sequence: number;
  created_at: Date;
}

/** What happened in one attendance, or to one message, in its order; the first 1,000 entries. */
export async function listTimeline(
  { db, account_id }: Pick<Scope, 'db' | 'account_id'>,
  of: { attendance_id: string } | { message_id: string },
): Promise<TimelineEntryView[]> {
  const [column, id] = 'message_id' in of ? ['message_id', of.message_id] : ['attendance_id', of.attendance_id];
  const { rows } = await db.raw<{ rows: TimelineRow[] }>(
    `select type, attendance_sequence as sequence, created_at from events
      where account_id = ? and ${column} = ? order by attendance_sequence limit 1000`,
    [account_id, id],
  );
  return rows.map(({ type, sequence, created_at }) => ({ type, sequence, at: created_at.toISOString() }));
}
