import type { Context, Scope } from '../../context.ts';
import type { NewEvent } from './events.schema.ts';

/** The columns of `:events` in a statement that writes events among other rows. */
export const event_columns = `account_id uuid, id uuid, type text, attendance_id uuid, attendance_sequence integer,
  contact_id uuid, data jsonb, created_at timestamptz`;

const insert_events = `
  insert into events (account_id, id, type, attendance_id, attendance_sequence, contact_id, data, created_at)
  select account_id, id, type, attendance_id, attendance_sequence, contact_id, data, created_at
    from jsonb_to_recordset(cast(:events as jsonb)) as e (${event_columns})`;

/** Writes events of any accounts, in the order given. */
export async function insertEvents({ db }: Pick<Context, 'db'>, events: NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await db.raw(insert_events, { events: JSON.stringify(events) }).options({ name: 'insert_events' });
}

export interface TimelineEntry {
  type: string;
  sequence: number;
  created_at: Date;
}

/** What happened in one attendance, in its order; the first 1,000 entries. */
export async function listTimeline(
  { db, account_id }: Pick<Scope, 'db' | 'account_id'>,
  attendance_id: string,
): Promise<TimelineEntry[]> {
  const { rows } = await db.raw<{ rows: TimelineEntry[] }>(
    `select type, attendance_sequence as sequence, created_at from events
      where account_id = ? and attendance_id = ? order by attendance_sequence limit 1000`,
    [account_id, attendance_id],
  );
  return rows;
}
