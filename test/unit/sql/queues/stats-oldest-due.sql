select item.key, least(timed.since, untimed.since) as since
from rows
from (unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[])) as item (key, domain, queue, job_type)
left join lateral (
  select available_at as since
  from jobs
  where
    status in ('queued', 'processing', 'quarantined')
    and (domain, queue, job_type) = (item.domain, item.queue, item.job_type)
    and status = 'queued'
    and available_at > '-infinity'
    and available_at <= now()
  order by available_at
  limit 1
) as timed on true
left join lateral (
  select created_at as since
  from (
    select available_at, created_at
    from jobs
    where
      status = 'queued'
      and (domain, queue, job_type) = (item.domain, item.queue, item.job_type)
      -- One entry of an index tells that the 20 need not be read.
      and exists (
        select
        from jobs
        where
          status in ('queued', 'processing', 'quarantined')
          and (domain, queue, job_type) = (item.domain, item.queue, item.job_type)
          and status = 'queued'
          and available_at is null
      )
    order by created_at, id
    limit 20
  ) as oldest
  where available_at is null and created_at > '-infinity' and created_at <= now()
  order by created_at
  limit 1
) as untimed on true
