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
      and coalesce(jobs.priority, 11) = tier.priority
      and coalesce(available_at, created_at) <= now()
    limit 10001
  ) as earlier
  union all
  select
  from generate_series(1, $3::int - 1) as tier (priority)
  cross join lateral (
    select
    from jobs
    where
      (status = 'queued') is true
      and domain || chr(31) || queue = $4
      and coalesce(jobs.priority, 11) = tier.priority
      and coalesce(available_at, created_at) is null
    limit 10001
  ) as earlier
  union all
  select
  from generate_series($5::int, $6::int) as tier (priority)
  cross join lateral (
    select
    from jobs
    where
      (status = 'queued') is true
      and domain || chr(31) || queue = $7
      and coalesce(jobs.priority, 11) = tier.priority
      and coalesce(available_at, created_at) <= now()
      and (coalesce(available_at, created_at), id) < ($8::text::timestamptz, $9::job_id)
    limit 10001
  ) as earlier
  limit 10001
) as line
