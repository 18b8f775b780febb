-- The throttle of a queue; one without a throttle has no row.
create table if not exists jobsctl_limits (
  domain text not null,
  queue text not null,
  -- The most jobs that run at the same time; null for no such limit.
  running integer,
  -- The most jobs that begin in a minute; null for no such limit.
  per_minute integer,
  -- The time from which on the next job may begin, where per_minute is set. Each acquire locks the row and moves it on.
  next_at timestamptz,
  -- Who throttled the queue, and why.
  caller text,
  reason text,
  updated_at timestamptz not null default now(),
  primary key (domain, queue)
);
