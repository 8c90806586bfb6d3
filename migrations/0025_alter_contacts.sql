-- Why: Argentina's numbers are written with a 9 behind the country code or without it, and are one line: the key has none. Where both
-- are contacts already they stay two, until somebody merges what is proved.

update contacts c
   set phone_key = '+54' || substr(c.phone_key, 5)
 where c.phone_key ~ '^\+549[1-3]\d{9}$'
   and not exists (select from contacts o where o.account_id = c.account_id and o.phone_key = '+54' || substr(c.phone_key, 5));
