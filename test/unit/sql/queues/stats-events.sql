select
  domain,
  queue,
  job_type,
  count(*) filter (where event_type in ('job.created', 'job.requeued', 'job.retried', 'job.revived')) as entered,
  count(*) filter (where event_type not in ('job.created', 'job.requeued', 'job.retried', 'job.revived')) as ended
from job_events
where
  id > $1::bigint
  and id <= $2::bigint
  and event_type in (
    'job.created', 'job.requeued', 'job.retried', 'job.revived', 'job.completed', 'job.failed',
    'job.quarantined', 'job.cancelled'
  )
  and (
    (xmin::text::bigint - $3::bigint + $4::bigint) % $5::bigint < $6::bigint
    or xmin::text::bigint = any($7::bigint[])
  )
group by domain, queue, job_type
