-- Why: what a person wrote who was erased came back where the provider told it again: a keyed hash of its id tells a repeat. And whether
-- an echo is that of a message in doubt is asked by the time of the doubt; without an index each echo read all messages. The strongest
-- lock comes first.

alter table messages add column forgotten_id bytea;
create index messages_forgotten on messages (account_id, channel_id, forgotten_id) where forgotten_id is not null;
create index messages_doubted on messages (account_id, unknown_at) where unknown_at is not null;
