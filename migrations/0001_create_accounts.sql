-- Why: everything belongs to an account. Its data key, wrapped by a master key, seals its secrets; its API keys are known
-- by the SHA-256 of their secret alone.

create extension if not exists pg_trgm;
create extension if not exists unaccent;
create extension if not exists btree_gin;

create table accounts (
  id              uuid primary key,
  name            text not null check (length(name) between 1 and 200),
  default_country text not null default 'BR' check (default_country ~ '^[A-Z]{2}$'),
  data_key        bytea not null,
  created_at      timestamptz(3) not null,
  updated_at      timestamptz(3) not null
);

create table api_keys (
  account_id   uuid not null references accounts (id) on delete cascade,
  id           uuid not null,
  name         text not null check (length(name) between 1 and 200),
  secret_hash  bytea not null check (octet_length(secret_hash) = 32),
  scopes       text[] not null check (cardinality(scopes) > 0),
  expires_at   timestamptz(3),
  revoked_at   timestamptz(3),
  last_used_at timestamptz(3),
  created_at   timestamptz(3) not null,
  primary key (account_id, id)
);

-- The one lookup before an account is known: a presented key carries its id.
create unique index api_keys_id on api_keys (id);
