select
  item.key,
  least(
    (
      select available_at
      from jobs
      where
        status in ('queued', 'processing', 'quarantined')
        and (domain, queue, job_type) = (item.domain collate "default", item.queue collate "default", item.job_type collate "default")
        and status = 'queued'
        and available_at > '-infinity'
        and available_at <= now()
      order by available_at
      limit 1
    ),
    -- One entry of an index tells that the 20 need not be read. It is no EXISTS: of many groups PostgreSQL would hash all waiting jobs for it.
    case when (
      select true
      from jobs
      where
        status in ('queued', 'processing', 'quarantined')
        and (domain, queue, job_type) = (item.domain collate "default", item.queue collate "default", item.job_type collate "default")
        and status = 'queued'
        and available_at is null
      limit 1
    ) then (
      select created_at
      from (
        select available_at, created_at
        from jobs
        where
          status = 'queued'
          and (domain, queue, job_type) = (item.domain collate "default", item.queue collate "default", item.job_type collate "default")
        order by created_at, id
        limit 20
      ) as oldest
      where available_at is null and created_at > '-infinity' and created_at <= now()
      order by created_at
      limit 1
    ) end
  ) as since
from rows
from (unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[])) as item (key, domain, queue, job_type)
