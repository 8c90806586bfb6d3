/** The statements of the floor: ids are the program's own, so that one statement can write all of it. */
export type FloorRows = 'bare' | 'rows' | 'tables';

/** `bare`: three tables that hold what a start is, with the keys that it needs. */
export const bare_tables = `
  create table contacts (id uuid primary key, phone text not null unique, name text);
  create table attendances (id uuid primary key, contact_id uuid not null, channel_id uuid not null, team_id uuid not null,
                            created_at timestamptz not null default now());
  create table messages (id uuid primary key, attendance_id uuid not null, payload jsonb not null, provider_message_id text,
                         accepted_at timestamptz, created_at timestamptz not null default now());`;

/** $1 contact, $2 phone, $3 name, $4 attendance, $5 channel, $6 team, $7 message, $8 payload. */
export const bare_insert = `
  with contact as (insert into contacts (id, phone, name) values ($1, $2, $3)),
  attendance as (insert into attendances (id, contact_id, channel_id, team_id) values ($4, $1, $5, $6))
  insert into messages (id, attendance_id, payload) values ($7, $4, $8)`;

/** $1 message, $2 what the provider calls it. */
export const bare_update = 'update messages set provider_message_id = $2, accepted_at = now() where id = $1';

/**
 * `rows`: the columns of our tables and the keys of a start, and nothing else of them: no other index, no foreign key, no
 * check, no trigger. `tables` takes the tables as they are.
 */
export const plain_tables = `
  create schema plain;
  create table plain.idempotency_keys (like idempotency_keys including defaults, primary key (account_id, key));
  create table plain.contacts (like contacts including defaults, primary key (account_id, id), unique (account_id, phone_key));
  create table plain.contact_identities (like contact_identities including defaults, primary key (account_id, scope, kind, value));
  create table plain.attendances (like attendances including defaults, primary key (account_id, id));
  create table plain.messages (like messages including defaults including generated, primary key (account_id, id));
  create table plain.attempts (like attempts including defaults, primary key (account_id, message_id, number));
  create table plain.events (like events including defaults, primary key (account_id, id));`;

/**
 * $1 contact, $2 phone, $3 name, $4 attendance, $5 channel, $6 team, $7 message, $8 payload, $9 account, $10 key, $11 its
 * fingerprint, $12 its answer, $13 digits of the phone, $14 and $15 ids of events, $16 what the contact's event tells, $17 what the
 * attendance's does, $18 text.
 */
export const rows_insert = `
  with key as (
    insert into idempotency_keys (account_id, key, fingerprint, answer, contact_id, created_at) values ($9, $10, $11, $12, $1, now())),
  contact as (
    insert into contacts (account_id, id, name, phone, phone_key, phone_digits, created_at, updated_at)
    values ($9, $1, $3, $2, $2, $13, now(), now())),
  identity as (
    insert into contact_identities (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
    values ($9, $1, 'phone', 'account', $2, 'user', now(), now())),
  attendance as (
    insert into attendances (account_id, id, contact_id, channel_id, team_id, origin, status, first_message_id, event_sequence,
                             address_kind, address, created_at, updated_at)
    values ($9, $4, $1, $5, $6, 'active', 'starting', $7, 1, 'phone', $2, now(), now())),
  message as (
    insert into messages (account_id, id, attendance_id, contact_id, channel_id, direction, type, text, payload, recipient_kind,
                          recipient, state, attempt, run_at, send_before, created_at, updated_at)
    values ($9, $7, $4, $1, $5, 'outbound', 'template', $18, $8, 'phone', $2, 'queued', 1, now(), now() + interval '1 hour', now(), now()))
  insert into events (account_id, id, type, attendance_id, attendance_sequence, contact_id, data, created_at)
  values ($9, $14, 'contact.created', null, null, $1, $16, now()),
         ($9, $15, 'attendance.started', $4, 1, $1, $17, now())`;

/**
 * $1 message, $2 what the provider calls it, $3 account, $4 attendance, $5 contact, $6 channel, $7 scope and $8 value of the name
 * that the provider has for the contact, $9 and $10 ids of events, $11 what the message's tells, $12 what the attendance's does.
 */
export const rows_update = `
  with message as (
    update messages set provider_message_id = $2, accepted_at = now(), state = 'settled', updated_at = now()
     where account_id = $3 and id = $1),
  attendance as (
    update attendances set status = 'open', event_sequence = 3, updated_at = now() where account_id = $3 and id = $4),
  attempt as (
    insert into attempts (account_id, message_id, number, fence, channel_id, contact_id, started_at, finished_at, outcome)
    values ($3, $1, 1, 1, $6, $5, now(), now(), 'accepted')),
  identity as (
    insert into contact_identities (account_id, contact_id, kind, scope, value, source, first_seen_at, last_seen_at)
    values ($3, $5, 'wa_id', $7, $8, 'whatsapp_cloud', now(), now()))
  insert into events (account_id, id, type, attendance_id, attendance_sequence, message_id, contact_id, data, created_at)
  values ($3, $9, 'message.accepted', $4, 2, $1, $5, $11, now()),
         ($3, $10, 'attendance.opened', $4, 3, null, $5, $12, now())`;
