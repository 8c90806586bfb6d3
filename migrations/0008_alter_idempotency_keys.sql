-- Why: an erased person's answers must go while their keys stay used (null answer), and old keys are swept by age alone.

alter table idempotency_keys alter column answer drop not null;
drop index idempotency_keys_age;
create index idempotency_keys_age on idempotency_keys (created_at);
