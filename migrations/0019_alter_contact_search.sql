-- Why: an account with a million contacts has a million entries under its id in an index of id and trigrams, and each search
-- walked them beside the few of its fragment: 5 to 10 ms where the trigrams alone take 1. A fragment's other accounts are
-- left out as the rows are read; an account that is small among many is walked by its primary key, which PostgreSQL sees for itself.
-- Blocks writes to contacts for about 10 s per million.

drop index contacts_name_search;
drop index contacts_phone_search;
create index contacts_name_search on contacts using gin (name_key gin_trgm_ops);
create index contacts_phone_search on contacts using gin (phone_digits gin_trgm_ops);
