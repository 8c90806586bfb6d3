-- Why: a message keeps facts and not a status, first writer wins; the status shown is derived from them. The dispatch lane
-- works on these rows, so no job row can disagree with them. Every attempt to send is a row of its own.

-- One number per claim: a finish with an older number than the row's has lost its lease.
create sequence fences;

create table messages (
  account_id          uuid not null,
  id                  uuid not null,
  attendance_id       uuid not null,
  contact_id          uuid not null,
  channel_id          uuid not null,
  direction           text not null check (direction in ('inbound', 'outbound')),
  type                text not null check (length(type) between 1 and 40),
  text                text check (length(text) <= 65536),
  template            jsonb,
  media               jsonb,
  -- What is sent, frozen when it was accepted: a template changed later changes nothing here.
  payload             jsonb,
  recipient_kind      text check (recipient_kind in ('phone', 'wa_id', 'bsuid', 'parent_bsuid', 'lid')),
  recipient           text check (length(recipient) between 1 and 200),
  state               text not null check (state in ('queued', 'sending', 'unknown', 'settled', 'cancelled', 'received')),
  attempt             integer not null default 0,
  fence               bigint,
  run_at              timestamptz(3),
  lease_until         timestamptz(3),
  send_before         timestamptz(3),
  provider_message_id text check (length(provider_message_id) between 1 and 512),
  error               jsonb,
  accepted_at         timestamptz(3),
  held_at             timestamptz(3),
  sent_at             timestamptz(3),
  delivered_at        timestamptz(3),
  read_at             timestamptz(3),
  failed_at           timestamptz(3),
  created_at          timestamptz(3) not null,
  updated_at          timestamptz(3) not null,
  -- The first that is true.
  status              text not null generated always as (
    case
      when read_at is not null then 'read'
      when delivered_at is not null then 'delivered'
      when failed_at is not null then 'failed'
      when sent_at is not null then 'sent'
      when held_at is not null then 'held'
      when accepted_at is not null then 'accepted'
      else state
    end) stored,
  primary key (account_id, id),
  foreign key (account_id, attendance_id, contact_id, channel_id)
    references attendances (account_id, id, contact_id, channel_id) on update cascade on delete cascade,
  check ((direction = 'inbound') = (state = 'received')),
  check (direction = 'inbound' or (payload is not null and recipient is not null and recipient_kind is not null)),
  check (state <> 'queued' or (run_at is not null and send_before is not null)),
  check (state <> 'sending' or (fence is not null and lease_until is not null)),
  check (state <> 'settled' or coalesce(accepted_at, held_at, sent_at, delivered_at, read_at, failed_at) is not null),
  check (failed_at is null or error is not null)
);

create index messages_attendance on messages (account_id, attendance_id, id);
-- The queue, by sender.
create index messages_queue on messages (account_id, channel_id, run_at, id) where state = 'queued';
create index messages_late on messages (account_id, send_before) where state = 'queued';
create index messages_leases on messages (account_id, lease_until) where state = 'sending';
create unique index messages_provider_id on messages (account_id, channel_id, provider_message_id)
  where provider_message_id is not null;

create table attempts (
  account_id  uuid not null,
  message_id  uuid not null,
  number      integer not null check (number > 0),
  fence       bigint not null,
  channel_id  uuid not null,
  contact_id  uuid not null,
  started_at  timestamptz(3) not null,
  finished_at timestamptz(3),
  -- `lost`: its lease passed without a word. `given_back`: claimed too late to send.
  outcome     text check (outcome in ('accepted', 'refused', 'unavailable', 'ambiguous', 'lost', 'given_back')),
  error       jsonb,
  primary key (account_id, message_id, number),
  check ((finished_at is null) = (outcome is null)),
  foreign key (account_id, message_id) references messages (account_id, id) on delete cascade
);

-- One message per person in 6 s, whatever address each goes to: the claim looks back here.
create index attempts_pace on attempts (account_id, channel_id, contact_id, started_at);
