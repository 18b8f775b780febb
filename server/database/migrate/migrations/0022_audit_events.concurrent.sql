-- The events of what operators did, among those of jobs: they have a term of their own. A step of a job has no entry.
create index concurrently if not exists jobsctl_audit_events
  on job_events (id)
  where job_id is null;
