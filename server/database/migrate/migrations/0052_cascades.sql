-- Dependents that the end of a job has left to the background: a statement that reports a fact, such as the end of an attempt, cancels up to
-- 1,000 of them. A row stays until the last of its dependents is cancelled.
create table if not exists jobsctl_cascades (
  id bigint generated always as identity primary key,
  -- The ids of the jobs that ended.
  jobs jsonb not null,
  -- What all jobs of the cascade have in common, those that ended among them; null where they differ.
  domain text,
  queue text,
  job_type text,
  -- How many dependents were cancelled so far.
  dependents bigint not null,
  request_id text,
  -- Not before this time, after a batch that could cancel none.
  next_at timestamptz not null default now()
);
-- Jobs that have ended, and on which others may depend that still wait.
create table if not exists jobsctl_cascade_parents (
  cascade_id bigint not null,
  uuid text not null,
  nth bigint generated always as identity,
  primary key (cascade_id, uuid)
);
