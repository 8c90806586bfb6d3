import type { Context, Scope } from '../../context.ts';
import type { AttendancesRow } from '../../db/rows.ts';
import { prepare } from '../../db/statement.ts';
import { columnsOf, table } from '../../db/table.ts';
import type { Address } from '../../providers/provider.ts';

type Ctx = Pick<Scope, 'db' | 'account_id'>;

export interface AttendanceFilter {
  status?: string;
  origin?: string;
  channel_id?: string;
  team_id?: string;
  contact_id?: string;
  created_after?: string;
  created_before?: string;
}

export async function findAttendance(ctx: Ctx, id: string): Promise<AttendancesRow | undefined> {
  return table(ctx, 'attendances').where({ id }).first();
}

/** Held until the transaction ends: before its messages, here as everywhere. */
export async function lockAttendance(ctx: Ctx, id: string): Promise<AttendancesRow | undefined> {
  return table(ctx, 'attendances').where({ id }).forNoKeyUpdate().first();
}

const lockRows = prepare<{ account_id: string; ids: string[] }, AttendancesRow>(
  'lock_attendance_rows',
  `select ${columnsOf('attendances', 'a')} from attendances a
    where a.account_id = :account_id and a.id = any (cast(:ids as uuid[])) order by a.id for no key update of a`,
);

/** Several of them, locked in one order for all. */
export async function lockAttendanceRows({ db, account_id }: Ctx, ids: string[]): Promise<AttendancesRow[]> {
  return lockRows(db, { account_id, ids });
}

/** An attendance as it is from now on, and how many numbers are taken for what is told of it. */
export type ChangedAttendance = Pick<
  AttendancesRow,
  'id' | 'status' | 'closed_at' | 'close_reason' | 'window_expires_at'
> & {
  events: number;
  /** Where it goes from now on; it goes where it went without one. */
  address?: Address | null;
};

const change = prepare<{ account_id: string; now: Date; ids: string[]; changed: string }, AttendancesRow>(
  'change_attendances',
  `update attendances a
      set status = n.status, closed_at = n.closed_at, close_reason = n.close_reason, window_expires_at = n.window_expires_at,
          address_kind = coalesce(n.address ->> 'kind', a.address_kind), address = coalesce(n.address ->> 'value', a.address),
          event_sequence = a.event_sequence + n.events, updated_at = :now
     from jsonb_to_recordset(cast(:changed as jsonb))
          as n (id uuid, status text, closed_at timestamptz, close_reason text, window_expires_at timestamptz, events integer, address jsonb)
    where a.account_id = :account_id and a.id = any (cast(:ids as uuid[])) and a.id = n.id
   returning ${columnsOf('attendances', 'a')}`,
);

/** Changes attendances that the caller has locked, each once. */
export async function changeAttendances(
  { db, account_id, now }: Ctx & Pick<Scope, 'now'>,
  changed: ChangedAttendance[],
): Promise<AttendancesRow[]> {
  if (changed.length === 0) return [];
  const rows = await change(db, {
    account_id,
    now: now(),
    ids: changed.map(({ id }) => id),
    changed: JSON.stringify(changed),
  });
  if (rows.length !== changed.length) throw new Error('a locked attendance is gone');
  return rows;
}

/** Changes an attendance that the caller has locked, and takes `events` numbers for what is told of it. */
export async function changeAttendance(
  ctx: Ctx & Pick<Scope, 'now'>,
  id: string,
  change: Partial<Omit<AttendancesRow, 'account_id' | 'id' | 'event_sequence'>>,
  events: number,
): Promise<AttendancesRow> {
  const [row] = await table(ctx, 'attendances')
    .where({ id })
    .update({ ...change, event_sequence: ctx.db.raw('event_sequence + ?', [events]), updated_at: ctx.now() })
    .returning('*');
  if (!row) throw new Error('a locked attendance is gone');
  return row;
}

/** The attendance while it is starting or open, locked until the transaction ends. */
export async function lockActiveAttendance(ctx: Ctx, id: string): Promise<AttendancesRow | undefined> {
  return table(ctx, 'attendances').where({ id }).whereIn('status', ['starting', 'open']).forUpdate().first();
}

/** Newest first, `limit + 1` rows. */
export async function listAttendances(
  ctx: Ctx,
  filter: AttendanceFilter,
  page: { limit: number; after_id: string | null },
): Promise<AttendancesRow[]> {
  const { created_after, created_before, ...equal } = filter;
  const query = table(ctx, 'attendances')
    .where(equal)
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (created_after !== undefined) query.where('created_at', '>=', new Date(created_after));
  if (created_before !== undefined) query.where('created_at', '<', new Date(created_before));
  if (page.after_id !== null) query.where('id', '<', page.after_id);
  return query;
}

const lock = prepare<{ accounts: string[]; ids: string[] }, { id: string; status: string }>(
  'lock_attendances',
  `select a.id, a.status from attendances a
     join (select distinct * from unnest(cast(:accounts as uuid[]), cast(:ids as uuid[])) as u (account_id, id)) k
       on a.account_id = k.account_id and a.id = k.id
    order by a.account_id, a.id for no key update of a`,
);

/**
 * Locks attendances of any accounts, in one order for all, before anything is written on their messages; returns the ids
 * of those that are starting or open.
 */
export async function lockAttendances(
  { db }: Pick<Context, 'db'>,
  keys: { account_id: string; attendance_id: string }[],
): Promise<Set<string>> {
  const accounts = keys.map((key) => key.account_id);
  const rows = await lock(db, { accounts, ids: keys.map((key) => key.attendance_id) });
  return new Set(rows.filter((row) => ['starting', 'open'].includes(row.status)).map((row) => row.id));
}

/** Ids of those of these messages, of any accounts, in whose attendance the contact has not written. */
export async function listUnanswered(
  { db }: Pick<Context, 'db'>,
  messages: { account_id: string; attendance_id: string; id: string }[],
): Promise<Set<string>> {
  if (messages.length === 0) return new Set();
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `select k.id from unnest(cast(:accounts as uuid[]), cast(:attendances as uuid[]), cast(:ids as uuid[])) as k (account_id, attendance_id, id)
       join attendances a on a.account_id = k.account_id and a.id = k.attendance_id
      where a.window_expires_at is null`,
    {
      accounts: messages.map(({ account_id }) => account_id),
      attendances: messages.map(({ attendance_id }) => attendance_id),
      ids: messages.map(({ id }) => id),
    },
  );
  return new Set(rows.map(({ id }) => id));
}

/** What a message's new facts mean for its attendance. */
export interface MessageNews {
  account_id: string;
  attendance_id: string;
  message_id: string;
  /** Null when the attendance's status does not follow, as for a doubt. */
  becomes: 'open' | 'failed' | null;
  /** How many events tell of the message itself. */
  events: number;
  /** The provider refused free text: the service window is shut, unless the contact wrote this minute. */
  shuts_window: boolean;
  /** Where an accepted message went: what the gateway made of a phone is where the attendance goes from now on. */
  went_to: { kind: string; value: string } | null;
}

export interface FollowedAttendance extends AttendancesRow {
  message_id: string;
  /** True when this news changed the status; then one more event number was taken than the message has events. */
  has_changed: boolean;
}

const follow = prepare<{ news: string }, FollowedAttendance>(
  'follow_messages',
  `with news as (
     select * from jsonb_to_recordset(cast(:news as jsonb)) as n (account_id uuid, attendance_id uuid, message_id uuid, becomes text, events integer, shuts_window boolean, went_to jsonb)
   ),
   locked as (
     select a.account_id, a.id, n.message_id, n.becomes, n.events, n.shuts_window, n.went_to,
            (n.becomes is not null and a.status = 'starting' and a.first_message_id = n.message_id) as has_changed
       from attendances a join news n on n.account_id = a.account_id and n.attendance_id = a.id
      order by a.account_id, a.id
        for no key update of a
   )
   update attendances a
      set status = case when l.has_changed then l.becomes else a.status end,
          address_kind = case when l.went_to is not null and a.address_kind = 'phone' then l.went_to ->> 'kind' else a.address_kind end,
          address = case when l.went_to is not null and a.address_kind = 'phone' then l.went_to ->> 'value' else a.address end,
          window_expires_at = case when l.shuts_window and a.window_expires_at - interval '24 hours' < now() - interval '1 minute'
                                   then least(a.window_expires_at, now()) else a.window_expires_at end,
          event_sequence = a.event_sequence + l.events + case when l.has_changed then 1 else 0 end,
          updated_at = now()
     from locked l
    where a.account_id = l.account_id and a.id = l.id
   returning ${columnsOf('attendances', 'a')}, l.message_id, l.has_changed`,
);

/**
 * Lets attendances of any accounts follow their first messages: `starting` becomes `open` or `failed`, and numbers for the
 * events are taken under the row's lock. Each attendance at most once per call.
 */
export async function followMessages({ db }: Pick<Context, 'db'>, news: MessageNews[]): Promise<FollowedAttendance[]> {
  return follow(db, { news: JSON.stringify(news) });
}
