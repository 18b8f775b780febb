select
  item.domain,
  item.queue,
  coalesce(
    extract(
      epoch from now() - min(
        case when exists (
          select
          from (select 'completed'::text as depends_on_terminal_status) as without_snapshot
          cross join lateral (
            select
              edge.depends_on_job_uuid as uuid,
              coalesce(live.status, depends_on_terminal_status, 'missing') as status,
              live.domain,
              live.queue,
              live.job_type,
              live.status is not null as is_live
            from job_dependencies edge
            left join lateral (
              select coalesce(job.status, 'unknown') as status, job.domain, job.queue, job.job_type
              from jobs as job
              where job.uuid = edge.depends_on_job_uuid offset 0
            ) as live on true
            where edge.job_uuid = jobs.uuid offset 0
          ) as needed
          where needed.status <> 'completed' offset 0
        ) then coalesce(
          (
            select due
            from (
              select coalesce(available_at, created_at) as due, uuid
              from jobs
              where
                (status = 'queued') is true
                and jobs.domain || chr(31) || jobs.queue = item.domain || chr(31) || item.queue
                and coalesce(jobs.priority, 11) = tier.priority
                and coalesce(available_at, created_at) > '-infinity'
                and coalesce(available_at, created_at) <= now()
              order by coalesce(available_at, created_at)
              limit 20
            ) as jobs
            where
              not exists (
                select
                from (select 'completed'::text as depends_on_terminal_status) as without_snapshot
                cross join lateral (
                  select
                    edge.depends_on_job_uuid as uuid,
                    coalesce(live.status, depends_on_terminal_status, 'missing') as status,
                    live.domain,
                    live.queue,
                    live.job_type,
                    live.status is not null as is_live
                  from job_dependencies edge
                  left join lateral (
                    select coalesce(job.status, 'unknown') as status, job.domain, job.queue, job.job_type
                    from jobs as job
                    where job.uuid = edge.depends_on_job_uuid offset 0
                  ) as live on true
                  where edge.job_uuid = jobs.uuid offset 0
                ) as needed
                where needed.status <> 'completed' offset 0
              )
            order by due
            limit 1
          ),
          (
            select due
            from (
              select coalesce(available_at, created_at) as due, uuid
              from jobs
              where
                (status = 'queued') is true
                and jobs.domain || chr(31) || jobs.queue = item.domain || chr(31) || item.queue
                and coalesce(jobs.priority, 11) = tier.priority
                and coalesce(available_at, created_at) > '-infinity'
                and coalesce(available_at, created_at) <= now()
              order by coalesce(available_at, created_at) offset 19
              limit 1
            ) as next
          )
        ) else jobs.due end
      )
    ),
    0
  )::float8 as age
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
