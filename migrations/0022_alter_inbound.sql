-- Why: two processes that claim at the same instant must not expand one channel side by side. The second one's statement began
-- before the first one's commit and does not see it; a function that is volatile looks anew.

create function is_being_expanded(account uuid, channel uuid) returns boolean
  language plpgsql volatile
  as $$ begin
    return exists (select from inbound_bodies where account_id = account and channel_id = channel and state = 'working');
  end $$;
