-- Why: a message reaches its provider anywhere between its claim and the end of its attempt, and the provider counts what
-- arrives. So a sender's seat is free again a second after that end, and each claim counts those that are not.
-- Blocks dispatching for about 2 s per million attempts.

create index attempts_seats on attempts (account_id, channel_id, coalesce(finished_at, 'infinity'));
