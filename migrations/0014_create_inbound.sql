-- Why: what a provider calls in is stored, sealed, before it is understood; what cannot be applied is kept aside with its reason.
-- People are known by many names, and two contacts may turn out to be one.

create table inbound_bodies (
  account_id  uuid not null,
  id          uuid not null,
  channel_id  uuid not null,
  -- Sealed with the account's data key; gone once it is expanded.
  body        bytea not null,
  state       text not null default 'due' check (state in ('due', 'working', 'quarantined')),
  attempt     integer not null default 0,
  fence       bigint,
  run_at      timestamptz not null default now(),
  lease_until timestamptz,
  reason      text check (length(reason) <= 500),
  received_at timestamptz(3) not null,
  primary key (account_id, id),
  check (state <> 'working' or (fence is not null and lease_until is not null)),
  check (state <> 'quarantined' or reason is not null),
  foreign key (account_id, channel_id) references channels (account_id, id) on delete cascade
);
-- The queue, by channel: a channel's bodies are expanded in their order.
create index inbound_bodies_queue on inbound_bodies (account_id, channel_id, id);
create index inbound_bodies_leases on inbound_bodies (account_id, lease_until) where state = 'working';

create table inbound_items (
  account_id  uuid not null,
  body_id     uuid not null,
  -- Its place in the body.
  place       integer not null check (place >= 0),
  channel_id  uuid not null,
  -- One event of ours, sealed.
  event       bytea not null,
  kind        text not null check (length(kind) between 1 and 40),
  state       text not null default 'due' check (state in ('due', 'working', 'quarantined')),
  tries       integer not null default 1,
  fence       bigint,
  run_at      timestamptz not null,
  lease_until timestamptz,
  reason      text not null check (length(reason) <= 500),
  received_at timestamptz(3) not null,
  primary key (account_id, body_id, place),
  foreign key (account_id, channel_id) references channels (account_id, id) on delete cascade
);
create index inbound_items_due on inbound_items (account_id, run_at) where state <> 'quarantined';
create index inbound_items_channel on inbound_items (account_id, channel_id);

-- A provider's call names its channel and nothing else.
create unique index channels_id on channels (id);

alter table contacts
  -- The contact that this one turned out to be; its id goes on to answer with that one. No row of a contact ever goes
  -- but with its account, so no foreign key.
  add column merged_into uuid,
  add check (merged_into is null or erased_at is not null);
create index contacts_merged on contacts (account_id, merged_into) where merged_into is not null;

alter table channels
  -- Its templates are to be read again since then.
  add column sync_due_at timestamptz(3),
  -- Where the provider's opaque ids of people are unique, such as a portfolio; null for the channel itself.
  add column identity_scope text check (length(identity_scope) between 1 and 200);
create index channels_sync_due on channels (account_id, sync_due_at) where sync_due_at is not null;

alter table messages
  -- Accepted so long ago that its silence is news. While `accepted`, `run_at` is when that will be.
  add column stuck_at     timestamptz(3),
  -- Other ids under which the provider reports it: it was sent more than once.
  add column also_sent_as text[] not null default '{}';
create index messages_silent on messages (account_id, run_at) where state = 'settled' and status = 'accepted' and stuck_at is null;
create index messages_also_sent_as on messages using gin (account_id, also_sent_as) where also_sent_as <> '{}';
