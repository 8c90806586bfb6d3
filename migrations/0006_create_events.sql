-- Why: what changed, written with the change. Readers order by (txid, position) and read below the oldest running
-- transaction, so a late commit is never skipped; no counter per account serialises its starts.

create sequence event_positions cache 32;

create table events (
  account_id          uuid not null,
  id                  uuid not null,
  txid                xid8 not null default pg_current_xact_id(),
  position            bigint not null default nextval('event_positions'),
  type                text not null check (length(type) between 3 and 60),
  attendance_id       uuid,
  attendance_sequence integer,
  contact_id          uuid,
  data                jsonb not null,
  created_at          timestamptz(3) not null,
  primary key (account_id, id),
  check ((attendance_id is null) = (attendance_sequence is null))
);

create index events_order on events (account_id, txid, position);
create unique index events_attendance on events (account_id, attendance_id, attendance_sequence)
  where attendance_id is not null;
