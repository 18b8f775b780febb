select item.nth, min(jobs.due) as since
from rows
from (unnest($1::text[]), unnest($2::text[]))
with ordinality as item (domain, queue, nth)
cross join lateral (
  select coalesce(priority, 11) as priority
  from jobs
  where
    (status = 'queued') is true
    and jobs.domain || chr(31) || jobs.queue = item.domain || chr(31) || item.queue
  order by coalesce(jobs.priority, 11) asc
  limit 1
) as first
cross join lateral (
  select coalesce(priority, 11) as priority
  from jobs
  where
    (status = 'queued') is true
    and jobs.domain || chr(31) || jobs.queue = item.domain || chr(31) || item.queue
  order by coalesce(jobs.priority, 11) desc
  limit 1
) as last
cross join generate_series(greatest(first.priority, 1), least(last.priority, 11)) as tier (priority)
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
group by item.nth
