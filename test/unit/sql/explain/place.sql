select count(*) as ahead
from (
  select
  from generate_series(1, $1::int - 1) as tier (priority)
  cross join lateral (
    select
    from jobs
    where
      (status = 'queued') is true
      and domain || chr(31) || queue = $2
      and domain = $3
      and coalesce(jobs.priority, 11) = tier.priority
      and coalesce(available_at, created_at) <= now()
    limit 10001
  ) as earlier
  union all
  select
  from generate_series(1, $4::int - 1) as tier (priority)
  cross join lateral (
    select
    from jobs
    where
      (status = 'queued') is true
      and domain || chr(31) || queue = $5
      and domain = $6
      and coalesce(jobs.priority, 11) = tier.priority
      and coalesce(available_at, created_at) is null
    limit 10001
  ) as earlier
  union all
  select
  from generate_series($7::int, $8::int) as tier (priority)
  cross join lateral (
    select
    from jobs
    where
      (status = 'queued') is true
      and domain || chr(31) || queue = $9
      and domain = $10
      and coalesce(jobs.priority, 11) = tier.priority
      and coalesce(available_at, created_at) <= now()
      and (coalesce(available_at, created_at), id) < ($11::text::timestamptz, $12::job_id)
    limit 10001
  ) as earlier
  limit 10001
) as line
