-- Unique idempotency keys in each group. Stats use the order of this index to list the groups.
create unique index concurrently if not exists idx_jobs_idempotent_unique
  on jobs (domain, queue, job_type, idempotency_key);

-- Stats, requeue and the sweep read only live jobs, so finished jobs do not slow them down.
create index concurrently if not exists jobsctl_live
  on jobs (domain, queue, job_type, status, available_at)
  where status in ('queued', 'processing', 'quarantined');

-- Prune finds the jobs that ended before a time without reading jobs that ended later.
create index concurrently if not exists jobsctl_ended
  on jobs ((coalesce(completed_at, cancelled_at, quarantined_at, created_at)))
  where status in ('completed', 'failed', 'cancelled', 'quarantined');

-- The integrity sweep: the index holds only inconsistent rows, so it is empty while there are none.
create index concurrently if not exists jobsctl_stale_lease
  on jobs (id)
  where (status <> 'processing' and leased_until is not null)
    or (status = 'queued' and (lease_id is not null or worker_id is not null));

-- The integrity sweep: running jobs in the order in which their leases expire.
create index concurrently if not exists jobsctl_running_lease
  on jobs (leased_until)
  where status = 'processing';

-- The jobs of one batch. Jobs without a batch have no entry, so their updates do not write to this index.
create index concurrently if not exists idx_jobs_batch_group on jobs (batch_group) where batch_group is not null;

-- The attachments and dependents of a job, for the prune that deletes the job.
create index concurrently if not exists idx_job_attachments_job on job_attachments (job_id);
create index concurrently if not exists jobsctl_dependents on job_dependencies (depends_on_job_uuid);

-- The events of one job.
create index concurrently if not exists idx_job_events_job_id on job_events (job_id);
