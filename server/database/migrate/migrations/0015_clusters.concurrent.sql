-- Clusters of failures: failed jobs and jobs in quarantine, the newest first. Other jobs have no entry.
create index concurrently if not exists jobsctl_failures
  on jobs (status, (coalesce(completed_at, cancelled_at, quarantined_at, created_at)), id)
  where status in ('failed', 'quarantined');

-- Clusters of failures: queued jobs that have failed before. Other jobs have no entry.
create index concurrently if not exists jobsctl_retrying
  on jobs (updated_at, id)
  where status = 'queued' and retry_count > 0;
