-- The row images of one job, for the erasure of the job.
create index concurrently if not exists jobsctl_row_images_of_job on job_operation_rows (job_id);
