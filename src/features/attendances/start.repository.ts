import type { AnswerRecord, Context } from '../../context.ts';
import { prepare } from '../../db/statement.ts';
import type { OutboundContent } from '../../providers/provider.ts';
import { event_columns } from '../events/events.repository.ts';
import type { NewEvent } from '../events/events.schema.ts';

/**
 * The write of starts: one statement, however many starts come together, because a start is paid in round trips. With the read
 * (`start-facts.repository.ts`) it is the only one that names the tables of other features.
 */
type Ctx = Pick<Context, 'db'>;

export interface NewContact {
  id: string;
  name: string | null;
  phone: string;
  phone_key: string;
  phone_digits: string;
}
export interface NewAttendance {
  id: string;
  contact_id: string;
  channel_id: string;
  team_id: string;
  status: 'starting' | 'open';
  external_ref: string | null;
  metadata: Record<string, unknown>;
  api_key_id: string | null;
  actor: unknown;
  address_kind: string | null;
  address: string | null;
}
export interface NewMessage {
  id: string;
  type: string;
  text: string | null;
  template: unknown;
  payload: OutboundContent;
  recipient_kind: string;
  recipient: string;
  send_within_s: number;
}

/** What one start writes. Null parts are not written; a message goes to `attendance` or, reused, to `attendance_id`. */
export interface StartWrite {
  account_id: string;
  record: AnswerRecord | null;
  answer: Buffer | null;
  contact: NewContact | null;
  attendance: NewAttendance | null;
  attendance_id: string;
  contact_id: string;
  channel_id: string;
  message: NewMessage | null;
  events: NewEvent[];
  now: Date;
}

/**
 * Another start was faster; or the contact was erased, the channel or the team archived or deleted since all was read. What
 * is read again is the truth of it.
 */
export const lost_race_constraints = new Set([
  'contacts_phone_key',
  'attendances_one_active',
  'attendances_live_contact',
  'attendances_live_channel',
  'attendances_live_team',
  'attendances_account_id_channel_id_fkey',
  'attendances_account_id_team_id_fkey',
]);

const writeStarts = prepare<Record<'keys' | 'contacts' | 'attendances' | 'messages' | 'events', string>>(
  'insert_start',
  `
  with key as (
    insert into idempotency_keys (account_id, key, fingerprint, answer, contact_id, created_at)
    select account_id, key, decode(fingerprint, 'base64'), decode(answer, 'base64'), contact_id, created_at
      from jsonb_to_recordset(cast(:keys as jsonb))
        as k (account_id uuid, key text, fingerprint text, answer text, contact_id uuid, created_at timestamptz)
  ),
  contact as (
    insert into contacts (account_id, id, name, phone, phone_key, phone_digits, created_at, updated_at)
    select account_id, id, name, phone, phone_key, phone_digits, created_at, created_at
      from jsonb_to_recordset(cast(:contacts as jsonb))
        as c (account_id uuid, id uuid, name text, phone text, phone_key text, phone_digits text, created_at timestamptz)
    returning account_id, id, phone, created_at
  ),
  identity as (
    insert into contact_identities (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
    select account_id, id, 'phone', 'account', phone, 'user', created_at, created_at from contact
    on conflict on constraint contact_identities_value do nothing
  ),
  attendance as (
    insert into attendances (account_id, id, contact_id, channel_id, team_id, origin, status, first_message_id, external_ref,
                             metadata, started_by_api_key_id, actor, address_kind, address, event_sequence, created_at, updated_at)
    select account_id, id, contact_id, channel_id, team_id, 'active', status, first_message_id, external_ref, metadata,
           api_key_id, actor, address_kind, address, 1, created_at, created_at
      from jsonb_to_recordset(cast(:attendances as jsonb))
        as a (account_id uuid, id uuid, contact_id uuid, channel_id uuid, team_id uuid, status text, first_message_id uuid,
              external_ref text, metadata jsonb, api_key_id uuid, actor jsonb, address_kind text, address text,
              created_at timestamptz)
  ),
  message as (
    insert into messages (account_id, id, attendance_id, contact_id, channel_id, direction, type, text, template, payload,
                          recipient_kind, recipient, state, run_at, send_before, created_at, updated_at)
    select account_id, id, attendance_id, contact_id, channel_id, 'outbound', type, text, template, payload, recipient_kind,
           recipient, 'queued', now(), now() + make_interval(secs => send_within_s), created_at, created_at
      from jsonb_to_recordset(cast(:messages as jsonb))
        as m (account_id uuid, id uuid, attendance_id uuid, contact_id uuid, channel_id uuid, type text, text text,
              template jsonb, payload jsonb, recipient_kind text, recipient text, send_within_s integer,
              created_at timestamptz)
  )
  insert into events (account_id, id, type, attendance_id, attendance_sequence, message_id, contact_id, data, created_at)
  select account_id, id, type, attendance_id, attendance_sequence, message_id, contact_id, data, created_at
    from jsonb_to_recordset(cast(:events as jsonb)) as e (${event_columns})`,
);

/** In one order for all who write, so that two that hold each other's keys do not wait for each other. */
const sorted = <T>(rows: T[], keyOf: (row: T) => string) =>
  rows
    .map((row) => ({ row, key: keyOf(row) }))
    .sort((one, other) => (one.key < other.key ? -1 : 1))
    .map(({ row }) => row);

/**
 * T1 of one or many starts: keys with their answers, contacts, attendances, messages and events, in one statement: all of it
 * or nothing. Who comes second breaks a constraint by name: `idempotency_keys_key`, or one of `lost_race_constraints`.
 */
export async function insertStarts({ db }: Ctx, writes: StartWrite[]): Promise<void> {
  const rowsOf = <T extends object>(pick: (write: StartWrite) => T | null) =>
    writes.flatMap((write) => {
      const row = pick(write);
      return row === null ? [] : [{ ...row, account_id: write.account_id, created_at: write.now }];
    });
  const keys = rowsOf(
    ({ record, answer, contact_id }) =>
      record && {
        key: record.key,
        fingerprint: record.fingerprint.toString('base64'),
        answer: answer?.toString('base64') ?? null,
        contact_id,
      },
  );
  const attendances = rowsOf(
    ({ attendance, message }) => attendance && { ...attendance, first_message_id: message?.id ?? null },
  );
  const messages = rowsOf(
    ({ message, attendance_id, contact_id, channel_id }) =>
      message && { ...message, attendance_id, contact_id, channel_id },
  );
  await writeStarts(db, {
    keys: JSON.stringify(sorted(keys, ({ account_id, key }) => account_id + key)),
    contacts: JSON.stringify(
      sorted(
        rowsOf(({ contact }) => contact),
        ({ account_id, phone_key }) => account_id + phone_key,
      ),
    ),
    attendances: JSON.stringify(sorted(attendances, ({ contact_id, channel_id }) => contact_id + channel_id)),
    messages: JSON.stringify(messages),
    events: JSON.stringify(writes.flatMap(({ events }) => events)),
  });
}
