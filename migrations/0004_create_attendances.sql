-- Why: an attendance is one conversation with one contact over one channel. At most one is starting or open, and that is
-- an index and no `if`.

create table attendances (
  account_id            uuid not null,
  id                    uuid not null,
  contact_id            uuid not null,
  channel_id            uuid not null,
  team_id               uuid,
  origin                text not null check (origin in ('active', 'receptive')),
  status                text not null check (status in ('starting', 'open', 'closed', 'failed')),
  -- Set by the statement that inserts both, so no foreign key: messages.attendance_id is the one that holds them together.
  first_message_id      uuid,
  external_ref          text check (length(external_ref) between 1 and 200),
  metadata              jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  started_by_api_key_id uuid,
  actor                 jsonb,
  window_expires_at     timestamptz(3),
  -- The last number given to an event of this attendance; taken under the row's lock.
  event_sequence        integer not null default 0,
  close_reason          text check (length(close_reason) between 1 and 200),
  closed_at             timestamptz(3),
  created_at            timestamptz(3) not null,
  updated_at            timestamptz(3) not null,
  primary key (account_id, id),
  -- What a message repeats of its attendance, so that the queue and the answers need no join: a foreign key keeps it true.
  constraint attendances_parties unique (account_id, id, contact_id, channel_id),
  check ((status = 'closed') = (closed_at is not null)),
  check (status <> 'starting' or first_message_id is not null),
  check (origin <> 'receptive' or started_by_api_key_id is null),
  foreign key (account_id, contact_id) references contacts (account_id, id) on delete cascade,
  foreign key (account_id, channel_id) references channels (account_id, id),
  foreign key (account_id, team_id) references teams (account_id, id)
);

create unique index attendances_one_active on attendances (account_id, contact_id, channel_id)
  where status in ('starting', 'open');
create index attendances_contact on attendances (account_id, contact_id, id);
create index attendances_channel on attendances (account_id, channel_id, id);
create index attendances_team on attendances (account_id, team_id, id);
