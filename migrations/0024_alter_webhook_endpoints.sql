-- Why: what is composed before an endpoint is made, and commits after it, is in nobody's list yet and has to be told. When it was
-- composed says nothing of that; what the endpoint could see when it was made does.

alter table webhook_endpoints
  -- What it sees was there before; null where a replay has gone further back, or the database was restored: then `reads_from` counts.
  add column reads_snapshot pg_snapshot;
alter table webhook_endpoints
  alter column reads_snapshot set default pg_current_snapshot();
