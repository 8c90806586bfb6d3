-- Why: a tenant that starts in a loop must not take the service from the others. Limits stand on accounts and keys; what is
-- left of each stands in one row for all processes: src/http/rate-limit.repository.ts and docs/decisions.

alter table accounts
  add column starts_per_second integer not null default 500 check (starts_per_second between 0 and 100000),
  add column starts_burst integer not null default 1000 check (starts_burst between 1 and 1000000);

-- Null: that of the account.
alter table api_keys
  add column starts_per_second integer check (starts_per_second between 1 and 100000),
  add column starts_burst integer check (starts_burst between 1 and 1000000);

create table rate_buckets (
  account_id  uuid not null references accounts (id) on delete cascade,
  -- The account's own id, or that of a key with a limit of its own.
  bucket      uuid not null,
  tokens      double precision not null,
  refilled_at timestamptz not null,
  -- Handed to processes ahead of their requests since `lent_since`, and in the time before it.
  lent        integer not null default 0 check (lent >= 0),
  lent_before integer not null default 0 check (lent_before >= 0),
  lent_since  timestamptz not null,
  primary key (account_id, bucket)
) with (fillfactor = 50);
