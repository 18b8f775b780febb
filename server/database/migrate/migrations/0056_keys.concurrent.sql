-- The row image of one job of another engine, once for each operation. Rows of our own jobs have no entry.
create unique index concurrently if not exists jobsctl_row_image_keys
  on job_operation_rows (operation_id, job_key)
  where job_key is not null;

-- The row images of one such job, for the erasure of the job.
create index concurrently if not exists jobsctl_row_images_of_key
  on job_operation_rows (job_key)
  where job_key is not null;

-- The holds over one such job, and the jobs of a hold.
create unique index concurrently if not exists jobsctl_held_keys
  on jobsctl_held_jobs (job_key, hold_id)
  where job_key is not null;

-- The events of one such job.
create index concurrently if not exists jobsctl_events_of_key
  on job_events (job_key, id)
  where job_key is not null;
