with recursive
  groups as (
    (
      select domain, queue, job_type
      from jobs
      where true and domain = $1
      order by domain, queue, job_type
      limit 1
    ) union all select next.* from groups cross join lateral (
      select domain, queue, job_type
      from jobs
      where (queue, job_type) > (groups.queue, groups.job_type) and domain = $2
      order by domain, queue, job_type
      limit 1
    ) next
  ),
  live as (
    select
      domain,
      queue,
      job_type,
      count(*) filter (where status = 'queued' and (available_at is null or available_at <= now())) as queued,
      count(*) filter (where status = 'queued' and available_at > now()) as scheduled,
      count(*) filter (where status = 'processing') as processing,
      count(*) filter (where status = 'quarantined') as quarantined
    from jobs
    where status in ('queued', 'processing', 'quarantined') and domain = $3 and queue = $4
    group by domain, queue, job_type
  )
select
  domain,
  queue,
  job_type,
  coalesce(queued, 0) as queued,
  coalesce(scheduled, 0) as scheduled,
  coalesce(processing, 0) as processing,
  coalesce(quarantined, 0) as quarantined
from groups
left join live using (domain, queue, job_type)
where true and domain = $5 and queue = $6
order by domain collate "C", queue collate "C", job_type collate "C"
