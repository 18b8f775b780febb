-- Operations that wait between two batches, and for what, so that whoever follows one from another server is told.
create table if not exists jobsctl_waits (
  operation_id bigint primary key,
  waiting jsonb not null,
  written_at timestamptz not null default now()
);
