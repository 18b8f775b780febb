with recursive
  trust as materialized (
    select
      coalesce(
        (
          select
            case when until > now() and jobs = to_regclass('jobs') and not exists (select from jobsctl_count_deltas where span is null) then triggers end = (
              select
                string_agg(concat_ws('.', oid, xmin, tgenabled), ' ' order by tgname) || ' ' || pg_relation_filenode(to_regclass('jobs'))
              from pg_trigger
              where
                tgrelid = to_regclass('jobs')
                and tgname = any($1::text[])
                and tgenabled in ('O', 'A')
                and tgfoid = to_regproc(tgname)
                and exists (
                  select
                  from pg_class
                  where
                    oid = to_regclass('jobs')
                    and relkind = 'r'
                    and relpersistence = 'p'
                    and not row_security_active(oid)
                    and not exists (select from pg_inherits where pg_class.oid in (inhrelid, inhparent))
                )
              having count(*) = $2::int
            )
          from jobsctl_counting
        ),
        false
      ) as trusted
  ),
  groups as (
    (
      select domain, queue, job_type
      from jobs
      where true and domain = $3
      order by domain, queue, job_type
      limit 1
    ) union all select next.* from groups cross join lateral (
      select domain, queue, job_type
      from jobs
      where (queue, job_type) > (groups.queue, groups.job_type) and domain = $4
      order by domain, queue, job_type
      limit 1
    ) next
  ),
  counted as (
    select
      domain,
      queue,
      job_type,
      coalesce(sum(queued) filter (where span = ''), 0)::bigint as queued,
      coalesce(sum(queued) filter (where span <> ''), 0)::bigint as later,
      sum(processing)::bigint as processing,
      sum(quarantined)::bigint as quarantined
    from (
      select
        domain collate "C" as domain, queue collate "C" as queue, job_type collate "C" as job_type, '' as span,
        0 as queued, 0 as processing, 0 as quarantined, true as has_jobs
      from groups
      where true and domain = $5 and queue = $6
      union all
      select domain, queue, job_type, span, queued, processing, quarantined, false
      from (
        select kept.*
        from (
          select span, first, last
          from (select (date_trunc('minute', now(), 'UTC') + interval '2 minutes') as minute) as near
          cross join lateral (
            select date_trunc('hour', minute + interval '59 minutes', 'UTC') as hour
          ) as hours
          cross join lateral (select date_trunc('day', hour + interval '23 hours', 'UTC') as day) as days
          cross join lateral (
            values
              ('', '-infinity'::timestamptz, '-infinity'::timestamptz),
              ('minute', minute, hour - interval '1 minute'),
              ('hour', hour, day - interval '1 hour'),
              ('day', day, 'infinity')
          ) as cells (span, first, last)
        ) as cell
        join jobsctl_counts kept on kept.span = cell.span and kept.starts between cell.first and cell.last
        union all
        select kept.*
        from jobsctl_count_deltas kept
        join (
          select span, first, last
          from (select (date_trunc('minute', now(), 'UTC') + interval '2 minutes') as minute) as near
          cross join lateral (
            select date_trunc('hour', minute + interval '59 minutes', 'UTC') as hour
          ) as hours
          cross join lateral (select date_trunc('day', hour + interval '23 hours', 'UTC') as day) as days
          cross join lateral (
            values
              ('', '-infinity'::timestamptz, '-infinity'::timestamptz),
              ('minute', minute, hour - interval '1 minute'),
              ('hour', hour, day - interval '1 hour'),
              ('day', day, 'infinity')
          ) as cells (span, first, last)
        ) as cell on kept.span = cell.span and kept.starts between cell.first and cell.last
      ) as cells
      where true and domain = $7 and queue = $8
    ) as groups_and_cells
    group by domain, queue, job_type
    having bool_or(has_jobs)
  )
select
  domain, queue, job_type, trusted, queued - later - soon as queued, later + soon as scheduled, processing,
  quarantined
from trust
cross join counted
cross join lateral (
  select count(*) as soon
  from jobs
  where
    status in ('queued', 'processing', 'quarantined')
    -- The collation of the names in jobs, because their index is in that order.
    and domain = counted.domain collate "default"
    and queue = counted.queue collate "default"
    and job_type = counted.job_type collate "default"
    and status = 'queued'
    and available_at > now()
    and available_at < (date_trunc('minute', now(), 'UTC') + interval '2 minutes')
    and counted.queued > counted.later
) as near
order by domain, queue, job_type
