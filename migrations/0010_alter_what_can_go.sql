-- Why: what has a history is not deleted with it: a channel or team is archived, a person is erased (LGPD) and the row
-- stays, blank. Nothing may begin with one that is gone, and that is a foreign key and no `if`: an attendance that is
-- starting or open points at `is_live`, which is null on what is gone.

alter table contacts
  add column erased_at timestamptz(3),
  add column is_live boolean generated always as (case when erased_at is null then true end) stored,
  add constraint contacts_live unique (account_id, id, is_live),
  add constraint contacts_erased check (
    erased_at is null
    or (name is null and profile_name is null and phone is null and phone_digits = '' and email is null
        and external_ref is null and marketing_opted_out_at is null and metadata = '{}'));

alter table teams
  add column archived_at timestamptz(3),
  add column is_live boolean generated always as (case when archived_at is null then true end) stored,
  add constraint teams_live unique (account_id, id, is_live),
  add constraint teams_archived check (archived_at is null or not is_default),
  drop constraint teams_name;
-- The name of what is archived is free again.
create unique index teams_name on teams (account_id, name) where archived_at is null;

alter table channels
  add column archived_at timestamptz(3),
  add column is_live boolean generated always as (case when archived_at is null then true end) stored,
  add constraint channels_live unique (account_id, id, is_live),
  add constraint channels_archived check (archived_at is null or (octet_length(credentials) = 0 and default_team_id is null)),
  drop constraint channels_name,
  drop constraint channels_account_id_default_team_id_fkey,
  add constraint channels_account_id_default_team_id_fkey foreign key (account_id, default_team_id, is_live)
    references teams (account_id, id, is_live);
create unique index channels_name on channels (account_id, name) where archived_at is null;

-- A copy that the foreign key keeps true: null once the channel is archived.
alter table team_channels
  add column is_live boolean default true,
  add constraint team_channels_live_channel foreign key (account_id, channel_id, is_live)
    references channels (account_id, id, is_live) on update cascade on delete cascade;

alter table attendances
  add column is_live boolean generated always as (case when status in ('starting', 'open') then true end) stored,
  add constraint attendances_live_contact foreign key (account_id, contact_id, is_live)
    references contacts (account_id, id, is_live) on delete cascade,
  add constraint attendances_live_channel foreign key (account_id, channel_id, is_live)
    references channels (account_id, id, is_live),
  add constraint attendances_live_team foreign key (account_id, team_id, is_live)
    references teams (account_id, id, is_live);
-- Few at any time, so the foreign keys and the counts before a deletion do not walk a whole history.
create index attendances_live_by_channel on attendances (account_id, channel_id) where is_live is not null;
create index attendances_live_by_team on attendances (account_id, team_id) where is_live is not null;

alter table messages
  add column erased_at timestamptz(3),
  drop constraint messages_check1,
  add constraint messages_sendable check (
    direction = 'inbound' or erased_at is not null
    or (payload is not null and recipient is not null and recipient_kind is not null)),
  -- Without its fence, no late answer of an attempt finds it.
  add constraint messages_erased check (
    erased_at is null
    or (state not in ('queued', 'sending', 'unknown') and text is null and media is null and payload is null
        and recipient is null and provider_message_id is null and fence is null
        and coalesce(template -> 'parameters', '{}') = '{}' and error #>> '{provider,message}' is null));

create index events_contact on events (account_id, contact_id, id) where contact_id is not null;
