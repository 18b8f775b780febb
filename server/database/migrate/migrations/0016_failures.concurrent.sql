-- The list of the jobs of one state that ended badly, by the time of their creation and of their end. Only a job that ends so
-- writes to them.
create index concurrently if not exists jobsctl_failures_created
  on jobs (status, created_at, id)
  where status in ('failed', 'cancelled', 'quarantined');

create index concurrently if not exists jobsctl_failures_ended
  on jobs (status, (coalesce(completed_at, cancelled_at, quarantined_at)), id)
  where status in ('failed', 'cancelled', 'quarantined')
    and coalesce(completed_at, cancelled_at, quarantined_at) is not null;
