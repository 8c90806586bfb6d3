import type { AnswerRecord, Scope } from '../../context.ts';
import type { Address, OutboundContent } from '../../providers/provider.ts';
import { event_columns } from '../events/events.repository.ts';
import type { NewEvent } from '../events/events.schema.ts';
import type { Component } from '../templates/template-slots.ts';

/**
 * The read and the write of a start: one statement each, because a start is paid in round trips. They are the only ones
 * that name the tables of other features.
 */
type Ctx = Pick<Scope, 'db' | 'account_id'>;

export interface StartQuestion {
  contact_id: string | null;
  phone_key: string | null;
  channel_id: string | null;
  team_id: string | null;
  template_id: string | null;
  template_name: string | null;
  template_language: string | null;
}

export interface StartContact {
  id: string;
  name: string | null;
  profile_name: string | null;
  phone: string | null;
  marketing_opted_out_at: string | null;
  identities: { kind: string; scope: string; value: string }[];
}
export interface StartChannel {
  id: string;
  name: string;
  provider: string;
  status: string;
  status_detail: string | null;
  send_within_s: number;
  identity_scope: string | null;
}
export interface StartTeam {
  id: string;
  name: string;
  channel_scope: string;
  channel_ids: string[];
}
export interface StartTemplate {
  id: string;
  channel_id: string;
  name: string;
  language: string;
  category: string;
  status: string;
  parameter_format: 'positional' | 'named';
  components: Component[];
}
export interface OpenAttendance {
  id: string;
  status: string;
  since: string;
  team: { id: string; name: string } | null;
  /** Where it goes; where its last message went, for one that was opened before addresses were kept. */
  address: Address | null;
}

/** All that a start is decided on. `channels` holds the one named, or up to two usable ones when none was. */
export interface StartFacts {
  contact: StartContact | null;
  channels: StartChannel[];
  team: StartTeam | null;
  template: StartTemplate | null;
  open: OpenAttendance | null;
}

const read_start = `
  with contact as (
    select id, name, profile_name, phone, marketing_opted_out_at from contacts
     where account_id = :account_id and erased_at is null
       and id = coalesce((select m.merged_into from contacts m where m.account_id = :account_id and m.id = cast(:contact_id as uuid)),
                         cast(:contact_id as uuid))
    union all
    select id, name, profile_name, phone, marketing_opted_out_at from contacts
     where account_id = :account_id and phone_key = cast(:phone_key as text) and erased_at is null
  ),
  channel as (
    select id, name, provider, status, status_detail, send_within_s, identity_scope from channels
     where account_id = :account_id and archived_at is null
       and case when cast(:channel_id as uuid) is null then status not in ('disconnected', 'restricted')
                else id = cast(:channel_id as uuid) end
     order by id limit 2
  ),
  template as (
    select id, channel_id, name, language, category, status, parameter_format, components from templates
     where account_id = :account_id and id = cast(:template_id as uuid)
    union all
    select t.id, t.channel_id, t.name, t.language, t.category, t.status, t.parameter_format, t.components
      from channel c
      join templates t on t.account_id = :account_id and t.channel_id = c.id
                      and t.name = cast(:template_name as text) and t.language = cast(:template_language as text)
  )
  select
    (select to_jsonb(c) || jsonb_build_object('identities', (
       select coalesce(jsonb_agg(jsonb_build_object('kind', i.kind, 'scope', i.scope, 'value', i.value)), '[]')
         from contact_identities i where i.account_id = :account_id and i.contact_id = c.id))
       from contact c limit 1) as contact,
    (select coalesce(jsonb_agg(to_jsonb(c)), '[]') from channel c) as channels,
    (select jsonb_build_object('id', t.id, 'name', t.name, 'channel_scope', t.channel_scope, 'channel_ids', array(
       select tc.channel_id from team_channels tc where tc.account_id = t.account_id and tc.team_id = t.id))
       from teams t where t.account_id = :account_id and t.id = cast(:team_id as uuid) and t.archived_at is null) as team,
    (select to_jsonb(t) from template t limit 1) as template,
    (select jsonb_build_object('id', a.id, 'status', a.status, 'since', a.created_at, 'address', coalesce(
              case when a.address is not null then jsonb_build_object('kind', a.address_kind, 'value', a.address) end,
              (select jsonb_build_object('kind', m.recipient_kind, 'value', m.recipient) from messages m
                where m.account_id = a.account_id and m.attendance_id = a.id and m.recipient is not null
                order by m.id desc limit 1)), 'team',
              case when t.id is not null then jsonb_build_object('id', t.id, 'name', t.name) end)
       from contact c
       join attendances a on a.account_id = :account_id and a.contact_id = c.id
                         and a.channel_id = (select id from channel order by id limit 1) and a.status in ('starting', 'open')
       left join teams t on t.account_id = a.account_id and t.id = a.team_id) as open`;

/** Everything a start needs to know, in one round trip. */
export async function readStart({ db, account_id }: Ctx, question: StartQuestion): Promise<StartFacts> {
  const { rows } = await db
    .raw<{ rows: StartFacts[] }>(read_start, { account_id, ...question })
    .options({ name: 'read_start' });
  const [facts] = rows;
  if (!facts) throw new Error('a select without from returned no row');
  return facts;
}

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

const insert_start = `
  with key as (
    insert into idempotency_keys (account_id, key, fingerprint, answer, contact_id, created_at)
    select :account_id, cast(:key as text), cast(:fingerprint as bytea), cast(:answer as bytea), :contact_id, :now
     where cast(:key as text) is not null
  ),
  contact as (
    insert into contacts (account_id, id, name, phone, phone_key, phone_digits, created_at, updated_at)
    select :account_id, :contact_id, c.name, c.phone, c.phone_key, c.phone_digits, :now, :now
      from jsonb_to_record(cast(:contact as jsonb)) as c (name text, phone text, phone_key text, phone_digits text)
     where cast(:contact as jsonb) is not null
    returning phone
  ),
  identity as (
    insert into contact_identities (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
    select :account_id, :contact_id, 'phone', 'account', phone, 'user', :now, :now from contact
    on conflict on constraint contact_identities_value do nothing
  ),
  attendance as (
    insert into attendances (account_id, id, contact_id, channel_id, team_id, origin, status, first_message_id, external_ref,
                             metadata, started_by_api_key_id, actor, address_kind, address, event_sequence, created_at, updated_at)
    select :account_id, :attendance_id, :contact_id, :channel_id, a.team_id, 'active', a.status, cast(:message_id as uuid),
           a.external_ref, a.metadata, a.api_key_id, a.actor, a.address_kind, a.address, 1, :now, :now
      from jsonb_to_record(cast(:attendance as jsonb))
        as a (team_id uuid, status text, external_ref text, metadata jsonb, api_key_id uuid, actor jsonb,
              address_kind text, address text)
     where cast(:attendance as jsonb) is not null
  ),
  message as (
    insert into messages (account_id, id, attendance_id, contact_id, channel_id, direction, type, text, template, payload,
                          recipient_kind, recipient, state, run_at, send_before, created_at, updated_at)
    select :account_id, cast(:message_id as uuid), :attendance_id, :contact_id, :channel_id, 'outbound', m.type, m.text, m.template,
           m.payload, m.recipient_kind, m.recipient, 'queued', now(), now() + make_interval(secs => m.send_within_s), :now, :now
      from jsonb_to_record(cast(:message as jsonb))
        as m (type text, text text, template jsonb, payload jsonb, recipient_kind text, recipient text, send_within_s integer)
     where cast(:message as jsonb) is not null
  )
  insert into events (account_id, id, type, attendance_id, attendance_sequence, message_id, contact_id, data, created_at)
  select account_id, id, type, attendance_id, attendance_sequence, message_id, contact_id, data, created_at
    from jsonb_to_recordset(cast(:events as jsonb)) as e (${event_columns})`;

/**
 * T1: key with its answer, contact, attendance, message and events, in one statement: all of it or nothing. Who comes
 * second breaks a constraint by name: `idempotency_keys_key`, or one of `lost_race_constraints`.
 */
export async function insertStart({ db, account_id }: Ctx, write: StartWrite): Promise<void> {
  const json = (value: unknown) => (value === null ? null : JSON.stringify(value));
  await db
    .raw(insert_start, {
      account_id,
      key: write.record?.key ?? null,
      fingerprint: write.record?.fingerprint ?? null,
      answer: write.answer,
      contact_id: write.contact_id,
      channel_id: write.channel_id,
      attendance_id: write.attendance_id,
      message_id: write.message?.id ?? null,
      contact: json(write.contact),
      attendance: json(write.attendance),
      message: json(write.message),
      events: JSON.stringify(write.events),
      now: write.now,
    })
    .options({ name: 'insert_start' });
}
