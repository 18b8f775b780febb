select item.domain, item.queue, min(jobs.due) as since
from rows
from (unnest($1::text[]), unnest($2::text[])) as item (domain, queue)
cross join generate_series(1, 11) as tier (priority)
cross join lateral (
  select coalesce(available_at, created_at) as due, uuid
  from jobs
  where
    (status = 'queued') is true
    and jobs.domain || chr(31) || jobs.queue = item.domain || chr(31) || item.queue
    and coalesce(jobs.priority, 11) = tier.priority
    and coalesce(available_at, created_at) > '-infinity'
    and coalesce(available_at, created_at) <= now()
  order by coalesce(available_at, created_at)
  limit 1
) as jobs
group by item.domain, item.queue
