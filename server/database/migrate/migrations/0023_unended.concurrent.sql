-- The list of queued or of running jobs by the time of their creation, and of the jobs of one state that lack the time of an end.
-- A job that ended as usual has no entry.
create index concurrently if not exists jobsctl_unended
  on jobs (status, created_at, id)
  where status in ('queued', 'processing')
    or status in ('completed', 'failed') and completed_at is null
    or coalesce(completed_at, cancelled_at, quarantined_at) is null;

-- The list of queued or of running jobs by the time of their end: jobs of other programs that kept the end of an earlier attempt.
-- Other jobs have no entry.
create index concurrently if not exists jobsctl_unended_ended
  on jobs (status, (coalesce(completed_at, cancelled_at, quarantined_at)), id)
  where status in ('queued', 'processing')
    and coalesce(completed_at, cancelled_at, quarantined_at) is not null;
