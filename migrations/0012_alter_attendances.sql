-- Why: an attendance keeps the address it goes to, whatever becomes of the contact's number; a doubt knows since when it is
-- one, when it is looked at next, and what was decided of it; an event knows its message.

alter table attendances
  add column address_kind text check (address_kind in ('phone', 'wa_id', 'bsuid', 'parent_bsuid', 'lid')),
  add column address      text check (length(address) between 1 and 200),
  add check ((address is null) = (address_kind is null));

alter table messages
  -- When it last became `unknown`.
  add column unknown_at  timestamptz(3),
  -- What people and policies decided of its doubts, oldest first.
  add column resolutions jsonb not null default '[]' check (jsonb_typeof(resolutions) = 'array');

update messages set unknown_at = updated_at, run_at = now() where state = 'unknown';
alter table messages add check (state <> 'unknown' or (unknown_at is not null and run_at is not null));

-- While `unknown`, `run_at` is when the policy looks at it again.
create index messages_doubts on messages (account_id, run_at) where state = 'unknown';

alter table events add column message_id uuid;
create index events_message on events (account_id, message_id, attendance_sequence) where message_id is not null;

-- Lists of one status: those of the rare ones must not read the account through.
create index attendances_status on attendances (account_id, status, id);
