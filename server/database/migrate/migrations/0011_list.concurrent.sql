-- The list of jobs by the time of their creation.
create index concurrently if not exists jobsctl_created
  on jobs (created_at, id);

-- The list of jobs by the time of their end. Jobs that have not ended have no entry, so only the end of a job writes to it.
create index concurrently if not exists jobsctl_ended_list
  on jobs ((coalesce(completed_at, cancelled_at, quarantined_at)), id)
  where coalesce(completed_at, cancelled_at, quarantined_at) is not null;

-- One archived job.
create index concurrently if not exists jobsctl_archive_ids on jobs_archive (id);
