-- Why: a channel is a company's WhatsApp number at one provider; a team looks after attendances; a sender is the pace of
-- one channel, kept apart so that taking tokens never locks the channel itself.

create table teams (
  account_id    uuid not null references accounts (id) on delete cascade,
  id            uuid not null,
  name          text not null check (length(name) between 1 and 200),
  is_default    boolean not null default false,
  channel_scope text not null default 'all' check (channel_scope in ('all', 'none', 'selected')),
  created_at    timestamptz(3) not null,
  updated_at    timestamptz(3) not null,
  primary key (account_id, id),
  constraint teams_name unique (account_id, name)
);

create unique index teams_one_default on teams (account_id) where is_default;

create table channels (
  account_id          uuid not null references accounts (id) on delete cascade,
  id                  uuid not null,
  name                text not null check (length(name) between 1 and 200),
  type                text not null check (type in ('official', 'unofficial')),
  provider            text not null check (length(provider) between 1 and 60),
  phone               text check (phone ~ '^\+[1-9][0-9]{5,14}$'),
  base_url            text not null check (length(base_url) between 8 and 2048),
  credentials         bytea not null,
  status              text not null default 'unknown'
                      check (status in ('connected', 'connecting', 'disconnected', 'restricted', 'unknown')),
  status_detail       text check (length(status_detail) <= 500),
  default_team_id     uuid,
  verify_token        text not null check (length(verify_token) between 8 and 200),
  send_within_s       integer not null default 3600 check (send_within_s between 1 and 604800),
  on_unknown          text not null default 'hold' check (on_unknown in ('hold', 'resend', 'resend_same_id', 'fail')),
  max_per_second      integer not null check (max_per_second between 1 and 1000),
  stuck_after_s       integer not null default 600 check (stuck_after_s between 1 and 604800),
  reopen_within_s     integer not null default 0 check (reopen_within_s between 0 and 2592000),
  templates_synced_at timestamptz(3),
  created_at          timestamptz(3) not null,
  updated_at          timestamptz(3) not null,
  primary key (account_id, id),
  constraint channels_name unique (account_id, name),
  constraint channels_pace unique (account_id, id, max_per_second),
  foreign key (account_id, default_team_id) references teams (account_id, id)
);

create index channels_default_team on channels (account_id, default_team_id);

create table team_channels (
  account_id uuid not null,
  team_id    uuid not null,
  channel_id uuid not null,
  primary key (account_id, team_id, channel_id),
  foreign key (account_id, team_id) references teams (account_id, id) on delete cascade,
  foreign key (account_id, channel_id) references channels (account_id, id) on delete cascade
);

create index team_channels_channel on team_channels (account_id, channel_id);

create table senders (
  account_id     uuid not null,
  channel_id     uuid not null,
  -- A copy that the foreign key keeps true.
  max_per_second integer not null,
  tokens         double precision not null,
  refilled_at    timestamptz not null,
  -- When the next token is there; '-infinity' while some are.
  next_at        timestamptz not null default '-infinity',
  taken_at       timestamptz not null default '-infinity',
  primary key (account_id, channel_id),
  foreign key (account_id, channel_id, max_per_second)
    references channels (account_id, id, max_per_second) on update cascade on delete cascade
);

create index senders_pace on senders (account_id, channel_id, max_per_second);

create table templates (
  account_id           uuid not null,
  id                   uuid not null,
  channel_id           uuid not null,
  provider_template_id text not null check (length(provider_template_id) between 1 and 200),
  name                 text not null check (length(name) between 1 and 512),
  language             text not null check (length(language) between 2 and 20),
  category             text not null check (category in ('marketing', 'utility', 'authentication', 'unknown')),
  status               text not null check (status in ('approved', 'pending', 'rejected', 'paused', 'disabled',
                                                       'archived', 'deleted', 'unknown')),
  parameter_format     text not null check (parameter_format in ('positional', 'named')),
  components           jsonb not null check (jsonb_typeof(components) = 'array'),
  synced_at            timestamptz(3) not null,
  created_at           timestamptz(3) not null,
  primary key (account_id, id),
  constraint templates_name_language unique (account_id, channel_id, name, language),
  foreign key (account_id, channel_id) references channels (account_id, id) on delete cascade
);

-- Lists are per account or per channel, newest first.
create index templates_list on templates (account_id, channel_id, id);
