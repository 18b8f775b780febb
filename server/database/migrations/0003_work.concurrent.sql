-- Acquire: the next job of a queue, by priority and time, whatever is queued elsewhere or for later. The queue's
-- name in one piece, and a predicate of its own, keep the planner from any other index while a queue is empty.
create index concurrently if not exists jobsctl_next
  on jobs ((domain || chr(31) || queue), (coalesce(priority, 11)), (coalesce(available_at, created_at)), id)
  where (status = 'queued') is true;

-- Acquire: whether a lease of this queue has run out, without reading those that have not.
create index concurrently if not exists jobsctl_queue_leases
  on jobs ((domain || chr(31) || queue), (coalesce(leased_until, '-infinity')))
  where (status = 'processing') is true;

-- Why a queue is stopped: the decisions of operators among all the events.
create index concurrently if not exists jobsctl_queue_decisions
  on job_events (domain, queue, id)
  where event_type in ('queue.paused', 'queue.drained', 'queue.resumed');
