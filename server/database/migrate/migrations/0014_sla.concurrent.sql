-- The jobs over a limit of their group: queued jobs of a group in the order of their creation. Only jobs that wait have an entry.
create index concurrently if not exists jobsctl_waiting
  on jobs (domain, queue, job_type, created_at, id)
  where status = 'queued';
