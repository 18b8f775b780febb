-- No two jobs of a group share an idempotency key; its order also lists the groups for stats.
create unique index concurrently if not exists idx_jobs_idempotent_unique
  on jobs (domain, queue, job_type, idempotency_key);

-- Stats, requeue and the sweep read live jobs alone, whatever the number of finished ones.
create index concurrently if not exists jobsctl_live
  on jobs (domain, queue, job_type, status, available_at)
  where status in ('queued', 'processing', 'quarantined');

-- Prune finds what ended before a time without reading what ended since.
create index concurrently if not exists jobsctl_ended
  on jobs ((coalesce(completed_at, cancelled_at, quarantined_at, created_at)))
  where status in ('completed', 'failed', 'cancelled', 'quarantined');

-- The integrity sweep: holds broken rows only, so that it costs nothing while there are none.
create index concurrently if not exists jobsctl_stale_lease
  on jobs (id)
  where (status <> 'processing' and leased_until is not null)
    or (status = 'queued' and (lease_id is not null or worker_id is not null));

-- The integrity sweep: running jobs in the order in which their leases run out.
create index concurrently if not exists jobsctl_running_lease
  on jobs (leased_until)
  where status = 'processing';

-- Jobs of one batch. The others need no entry, at each of their steps.
create index concurrently if not exists idx_jobs_batch_group on jobs (batch_group) where batch_group is not null;

-- What hangs on a job, for the prune that deletes it.
create index concurrently if not exists idx_job_attachments_job on job_attachments (job_id);
create index concurrently if not exists jobsctl_dependents on job_dependencies (depends_on_job_uuid);

-- The events of one job.
create index concurrently if not exists idx_job_events_job_id on job_events (job_id);
