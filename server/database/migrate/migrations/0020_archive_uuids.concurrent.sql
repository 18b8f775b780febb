-- The states of archived jobs that a job depends on, and that depend on a job.
create index concurrently if not exists jobsctl_archive_uuids on jobs_archive (uuid);
