-- Signs of workers, for the question why a job does not run. None of them is needed for the work itself.

-- Workers that ask over HTTP: one row for each worker, queue and filter, written at most once a minute by each server, and
-- deleted an hour after the last call. Workers that lease by plain SQL leave none.
create table if not exists jobsctl_worker_marks (
  domain text not null,
  queue text not null,
  worker_id text not null,
  -- A hash of job_types and owner_user_id; empty for a worker that takes all jobs.
  filter text not null,
  -- The types and the owner whose jobs the worker takes; null for all of them.
  job_types text[],
  owner_user_id text,
  asked_at timestamptz not null default now(),
  primary key (domain, queue, worker_id, filter)
) with (fillfactor = 50);

-- When jobs of a group were last picked up, by any program: the rows that the triggers of the counts append say so when they
-- are added up. The time may be 30 s too early.
create table if not exists jobsctl_pickups (
  domain text collate "C" not null,
  queue text collate "C" not null,
  job_type text collate "C" not null,
  picked_up_at timestamptz not null,
  primary key (domain, queue, job_type)
) with (fillfactor = 50);
