-- Why: whether an echo is that of a message in doubt is asked by the time of the doubt; without an index each echo read all messages.

create index messages_doubted on messages (account_id, unknown_at) where unknown_at is not null;
