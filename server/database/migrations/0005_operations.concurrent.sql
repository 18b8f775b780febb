-- Undo, and the sweep of the archive: the rows of one operation; those of another program have none.
create index concurrently if not exists jobsctl_archive_operations
  on jobs_archive (operation_id, id)
  where operation_id is not null;

-- The operations that run, among all that ever did.
create index concurrently if not exists jobsctl_running_operations
  on job_operations (kind)
  where state = 'running';

-- The chain of a day.
create index concurrently if not exists jobsctl_sealed_operations
  on job_operations (day, number);
