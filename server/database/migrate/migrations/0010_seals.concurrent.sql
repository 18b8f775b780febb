-- The verification of records: the events of seals, among all events.
create index concurrently if not exists jobsctl_seal_events
  on job_events (id)
  where event_type = 'operation.sealed';
