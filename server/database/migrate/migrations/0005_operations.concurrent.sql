-- Undo and archive retention: the archived rows of one operation. Rows of other programs have no operation.
create index concurrently if not exists jobsctl_archive_operations
  on jobs_archive (operation_id, id)
  where operation_id is not null;

-- The running operations.
create index concurrently if not exists jobsctl_running_operations
  on job_operations (kind)
  where state = 'running';

-- The hash chain of a day.
create index concurrently if not exists jobsctl_sealed_operations
  on job_operations (day, number);
