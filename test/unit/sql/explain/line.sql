select now() as now, oldest.*, next.*, running.*
from (select) as one
left join lateral (
  select first.id, first.due as due_since, extract(epoch from now() - first.due)::float8 as seconds
  from generate_series(1, 11) as tier (priority)
  cross join lateral (
    select id, coalesce(available_at, created_at) as due
    from jobs
    where
      (status = 'queued') is true
      and domain || chr(31) || queue = $1
      and domain = $2
      and coalesce(jobs.priority, 11) = tier.priority
      and coalesce(available_at, created_at) <= now()
      and coalesce(available_at, created_at) > '-infinity'
    order by coalesce(available_at, created_at), id
    limit 1
  ) as first
  order by first.due
  limit 1
) as oldest on true
left join lateral (
  select min(first.due) as next_due_at, extract(epoch from min(first.due) - now())::float8 as next_due_in
  from generate_series(1, 11) as tier (priority)
  cross join lateral (
    select coalesce(available_at, created_at) as due
    from jobs
    where
      (status = 'queued') is true
      and domain || chr(31) || queue = $3
      and domain = $4
      and coalesce(jobs.priority, 11) = tier.priority
      and coalesce(available_at, created_at) > now()
      and coalesce(available_at, created_at) < 'infinity'
    order by coalesce(available_at, created_at)
    limit 1
  ) as first
) as next on true
left join lateral (
  select count(*) as leased, count(distinct worker_id) as workers
  from (
    select worker_id
    from jobs
    where
      (status = 'processing') is true
      and domain || chr(31) || queue = $5
      and domain = $6
      and coalesce(leased_until, '-infinity') > now()
    limit 10000
  ) as leases
) as running on true
