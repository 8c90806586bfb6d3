-- Why: a replay must not pass over what an endpoint has not heard of yet; and a call that was in the air when its person was
-- erased brings an answer afterwards, which may repeat what was said of them.

alter table webhook_endpoints
  -- Events up to this place were read before a replay went back, and are told again where they are no older than `replays_from`.
  add column replayed_to_txid xid8 not null default '0',
  add column replayed_to_position bigint not null default 0,
  add column replays_from timestamptz(3) not null default '-infinity';

alter table webhook_deliveries
  -- What its calls are answered is not kept.
  add column hides_answers boolean not null default false;
