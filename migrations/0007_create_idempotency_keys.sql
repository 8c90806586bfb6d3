-- Why: the answer to a request is kept with the work it did, in the same transaction, so a repeat finds both or neither.

create table idempotency_keys (
  account_id  uuid not null,
  key         text not null check (length(key) between 1 and 255),
  -- SHA-256 of method, path with query, and body bytes.
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  -- Status, headers and body, sealed with the account's data key.
  answer      bytea not null,
  contact_id  uuid,
  created_at  timestamptz(3) not null,
  constraint idempotency_keys_key primary key (account_id, key)
);

create index idempotency_keys_contact on idempotency_keys (account_id, contact_id) where contact_id is not null;
create index idempotency_keys_age on idempotency_keys (account_id, created_at);
