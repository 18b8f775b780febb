-- Acquire: the next job of a queue by priority and time, without reading other queues. Domain and queue are one
-- expression, and the predicate is written in its own way, so that the planner uses this index even for an empty queue.
create index concurrently if not exists jobsctl_next
  on jobs ((domain || chr(31) || queue), (coalesce(priority, 11)), (coalesce(available_at, created_at)), id)
  where (status = 'queued') is true;

-- Acquire: expired leases of a queue, without reading leases that have not expired.
create index concurrently if not exists jobsctl_queue_leases
  on jobs ((domain || chr(31) || queue), (coalesce(leased_until, '-infinity')))
  where (status = 'processing') is true;

-- The reason why a queue is stopped: only the events of operators' decisions about queues.
create index concurrently if not exists jobsctl_queue_decisions
  on job_events (domain, queue, id)
  where event_type in ('queue.paused', 'queue.drained', 'queue.resumed');
