-- Why: a CRM hears of every event at least once. An endpoint keeps its own place in the order of events, so the transactions that
-- write events know nothing of endpoints; what it is to hear becomes one delivery per event, and each try of that an attempt.

-- A UUID v7 (`uuidv7()` is PostgreSQL 18's alone): milliseconds, version and `place`, 62 random bits. Ids of one statement sort by place.
create function new_id(at timestamptz, place bigint) returns uuid
  language sql volatile parallel safe
  as $$ select encode(overlay(overlay(uuid_send(gen_random_uuid())
           placing substring(int8send(cast(floor(extract(epoch from at) * 1000) as bigint)) from 3) from 1 for 6)
           placing substring(int8send(28672 + place % 4096) from 7) from 7 for 2), 'hex')::uuid $$;

create table webhook_endpoints (
  account_id            uuid not null references accounts (id) on delete cascade,
  id                    uuid not null,
  url                   text not null check (length(url) between 8 and 2048),
  -- Null: all of them.
  event_types           text[] check (cardinality(event_types) > 0),
  description           text check (length(description) between 1 and 500),
  is_enabled            boolean not null default true,
  -- Why it is not: a person, 410, or 5 days of failures.
  disabled_reason       text check (disabled_reason in ('by_request', 'gone', 'failing')),
  -- Sealed. The one before signs, too, until its time is over.
  secret                bytea not null,
  previous_secret       bytea,
  previous_secret_until timestamptz(3),
  -- Its place: events up to here are deliveries already. Older ones than `reads_from` are none of its.
  read_txid             xid8 not null default pg_snapshot_xmin(pg_current_snapshot()),
  read_position         bigint not null default 0,
  reads_from            timestamptz(3) not null,
  -- Failed attempts since the last one that was taken, and since when.
  failures              integer not null default 0 check (failures >= 0),
  failing_since         timestamptz(3),
  -- The breaker: nobody calls it before.
  paused_until          timestamptz(3),
  -- Who holds the lease calls it, and nobody else.
  fence                 bigint,
  lease_until           timestamptz,
  claimed_at            timestamptz not null default '-infinity',
  created_at            timestamptz(3) not null,
  updated_at            timestamptz(3) not null,
  primary key (account_id, id),
  check (is_enabled = (disabled_reason is null)),
  check ((previous_secret is null) = (previous_secret_until is null)),
  check ((failures = 0) = (failing_since is null)),
  check (lease_until is null or fence is not null)
);

create table webhook_deliveries (
  account_id   uuid not null,
  id           uuid not null,
  endpoint_id  uuid not null,
  -- No foreign key: events may go before the log of them does, or with their account.
  event_id     uuid not null,
  event_type   text not null check (length(event_type) between 3 and 60),
  state        text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  -- Since it was last asked for: what the schedule of repeats counts.
  tries        integer not null default 0,
  -- Of all times.
  attempted    integer not null default 0,
  run_at       timestamptz(3) not null,
  delivered_at timestamptz(3),
  failed_at    timestamptz(3),
  created_at   timestamptz(3) not null,
  primary key (account_id, id),
  constraint webhook_deliveries_event unique (account_id, endpoint_id, event_id),
  foreign key (account_id, endpoint_id) references webhook_endpoints (account_id, id) on delete cascade,
  check ((state = 'delivered') = (delivered_at is not null)),
  check ((state = 'failed') = (failed_at is not null))
);
create index webhook_deliveries_queue on webhook_deliveries (account_id, endpoint_id, run_at, id) where state = 'pending';
create index webhook_deliveries_list on webhook_deliveries (account_id, endpoint_id, id);

create table webhook_attempts (
  account_id  uuid not null,
  delivery_id uuid not null,
  number      integer not null check (number > 0),
  started_at  timestamptz(3) not null,
  duration_ms integer not null check (duration_ms >= 0),
  -- Null: no answer came.
  status_code integer check (status_code between 100 and 999),
  -- Why it counts as a failure; null for one that was taken.
  error       text check (length(error) between 1 and 100),
  -- The first 4 KB of the answer.
  response    text check (length(response) <= 4096),
  primary key (account_id, delivery_id, number),
  foreign key (account_id, delivery_id) references webhook_deliveries (account_id, id) on delete cascade
);
