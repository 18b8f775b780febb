-- Dependencies of jobs that an undo has restored before the job at the other end, where job_dependencies has foreign
-- keys. Each waits here until that job is restored, too.
create table if not exists jobsctl_waiting_edges (
  -- The uuid of the job that is missing.
  uuid text not null,
  edge jsonb not null,
  since timestamptz not null default now(),
  primary key (uuid, edge)
);
