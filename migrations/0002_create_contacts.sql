-- Why: one person is one contact. phone_key (E.164, ninth digit added) is what a number is found by, whichever form was
-- written first; what providers call the person are identities, never keys.

-- The form in which names are kept and asked for in search: composed, without accents, lower case.
create function search_key(value text) returns text
  language sql immutable strict parallel safe
  as $$ select lower(unaccent('unaccent'::regdictionary, normalize(value, nfc))) $$;

create table contacts (
  account_id             uuid not null references accounts (id) on delete cascade,
  id                     uuid not null,
  name                   text check (length(name) between 1 and 200),
  profile_name           text check (length(profile_name) between 1 and 200),
  phone                  text check (phone ~ '^\+[1-9][0-9]{5,14}$'),
  phone_key              text check (phone_key ~ '^\+[1-9][0-9]{5,14}$'),
  -- Digits of every form of the number, separated by blanks: what a number fragment is looked for in.
  phone_digits           text not null default '' check (phone_digits ~ '^[0-9 ]*$'),
  email                  text check (length(email) between 3 and 320),
  external_ref           text check (length(external_ref) between 1 and 200),
  metadata               jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  marketing_opted_out_at timestamptz(3),
  name_key               text,
  created_at             timestamptz(3) not null,
  updated_at             timestamptz(3) not null,
  primary key (account_id, id),
  constraint contacts_phone_key unique (account_id, phone_key),
  check ((phone is null) = (phone_key is null))
);

-- A trigger and not a generated column: unaccent's dictionary is reached through the search path at restore time.
create function contacts_set_name_key() returns trigger language plpgsql as $$
begin
  new.name_key := search_key(concat_ws(' ', new.name, new.profile_name));
  return new;
end $$;

create trigger contacts_name_key before insert or update of name, profile_name on contacts
  for each row execute function contacts_set_name_key();

create index contacts_name_search on contacts using gin (account_id, name_key gin_trgm_ops);
create index contacts_phone_search on contacts using gin (account_id, phone_digits gin_trgm_ops);

create table contact_identities (
  account_id    uuid not null,
  contact_id    uuid not null,
  kind          text not null check (kind in ('phone', 'wa_id', 'bsuid', 'parent_bsuid', 'lid')),
  -- 'account' for a phone; 'portfolio:…' or 'channel:…' for what a provider calls the person.
  scope         text not null check (length(scope) between 1 and 200),
  value         text not null check (length(value) between 1 and 200),
  source        text not null check (length(source) between 1 and 60),
  first_seen_at timestamptz(3) not null,
  last_seen_at  timestamptz(3) not null,
  constraint contact_identities_value primary key (account_id, scope, kind, value),
  foreign key (account_id, contact_id) references contacts (account_id, id) on delete cascade
);

create index contact_identities_contact on contact_identities (account_id, contact_id);
