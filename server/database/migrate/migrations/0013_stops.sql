-- Operations that somebody asked to stop. The server that runs the operation reads it between two batches.
create table if not exists jobsctl_stops (
  operation_id bigint primary key,
  caller text not null,
  reason text,
  requested_at timestamptz not null default now()
);
