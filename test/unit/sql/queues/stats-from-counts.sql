with
  list as materialized (
    select
      trusted,
      trusted
      and coalesce(
        (
          select
            (
              listed_at = checked_at
              and functions = (
                select string_agg(concat_ws('.', oid, xmin), ' ' order by proname) as functions
                from pg_proc
                where
                  oid = any(array[to_regproc('jobsctl_count_insert')::oid, to_regproc('jobsctl_count_update')::oid])
              )
              and not exists (
                select
                from jobsctl_count_deltas
                where
                  not (octet_length(domain) + octet_length(queue) + octet_length(job_type) <= 2000) is true
              )
            )
          from jobsctl_counting
        ),
        false
      ) as listed
    from (
      select
        coalesce(
          (
            select
              case when until > now() and jobs = to_regclass('jobs') and not exists (select from jobsctl_count_deltas where span is null) then triggers end = case when tables = '{}' then (
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
              ) else (
                select md5(fired.text || attached.text)
                from (
                  select string_agg(concat_ws('.', oid, xmin, tgenabled), ' ' order by oid) as text
                  from pg_trigger
                  where
                    tgrelid = any(tables)
                    and tgenabled in ('O', 'A')
                    -- The functions are looked up once, since to do so for each trigger takes longer than all else.
                    and tgfoid = (array(select to_regproc(name)::oid from unnest($3::text[]) with ordinality as known (name, at) order by at))[array_position($4::text[], tgname::text)]
                  having count(*) = $5::int * cardinality(tables)
                ) as fired
                cross join (
                  select
                    coalesce(string_agg(concat_ws('.', inhrelid, xmin, pg_relation_filenode(inhrelid)), ' ' order by inhrelid), '') as text
                  from pg_inherits
                  where inhparent = any(tables)
                  having coalesce(array_agg(inhrelid order by inhrelid), '{}') = array_remove(tables, to_regclass('jobs')::oid)
                ) as attached
                where
                  exists (
                    select
                    from pg_class
                    where oid = to_regclass('jobs') and not relispartition and not row_security_active(oid)
                  )
              ) end
            from jobsctl_counting
          ),
          false
        ) as trusted
    ) as trust
  ),
  reading as materialized (
    select
      coalesce(
        (
          select
            case when tables = '{}' or pg_get_partkeydef(jobs) ~ 'domain|job_type' then false else (
              select sum(queued + processing + quarantined) < count(*) * cardinality(tables) * $6::int
              from jobsctl_counts
              where span = '' and starts = '-infinity' and domain = $7 and queue = $8
            ) end
          from jobsctl_counting
        ),
        false
      ) as all_live
  ),
  counted as (
    select
      domain,
      queue,
      job_type,
      sum(queued)::bigint as queued,
      sum(later)::bigint as later,
      sum(processing)::bigint as processing,
      sum(quarantined)::bigint as quarantined,
      sum(soon) as read_soon
    from (
      select domain, queue, job_type, queued, later, processing, quarantined, 0 as soon
      from (
        select domain, queue, job_type, queued, 0 as later, processing, quarantined
        from jobsctl_counts
        where span = '' and starts = '-infinity'
        union all
        select domain, queue, job_type, queued, 0, processing, quarantined
        from jobsctl_count_deltas
        where span = ''
        union all
        select domain, queue, job_type, 0, queued, 0, 0
        from (
          select span, first, last
          from (select (date_trunc('minute', now(), 'UTC') + interval '2 minutes') as minute) as near
          cross join lateral (
            select date_trunc('hour', minute + interval '59 minutes', 'UTC') as hour
          ) as hours
          cross join lateral (select date_trunc('day', hour + interval '23 hours', 'UTC') as day) as days
          cross join lateral (
            values
              ('minute', minute, hour - interval '1 minute'),
              ('hour', hour, day - interval '1 hour'),
              ('day', day, 'infinity'::timestamptz)
          ) as cells (span, first, last)
        ) as cell
        join jobsctl_counts as kept on kept.span = cell.span and kept.starts between cell.first and cell.last
        union all
        select domain, queue, job_type, 0, queued, 0, 0
        from jobsctl_count_deltas as kept
        join (
          select span, first, last
          from (select (date_trunc('minute', now(), 'UTC') + interval '2 minutes') as minute) as near
          cross join lateral (
            select date_trunc('hour', minute + interval '59 minutes', 'UTC') as hour
          ) as hours
          cross join lateral (select date_trunc('day', hour + interval '23 hours', 'UTC') as day) as days
          cross join lateral (
            values
              ('minute', minute, hour - interval '1 minute'),
              ('hour', hour, day - interval '1 hour'),
              ('day', day, 'infinity'::timestamptz)
          ) as cells (span, first, last)
        ) as cell on kept.span = cell.span and kept.starts between cell.first and cell.last
      ) as cells
      where true and domain = $9 and queue = $10
      union all
      select domain collate "C", queue collate "C", job_type collate "C", 0, 0, 0, 0, 1
      from jobs
      where
        (select all_live from reading)
        and status in ('queued', 'processing', 'quarantined')
        and status = 'queued'
        and available_at > now()
        and available_at < (date_trunc('minute', now(), 'UTC') + interval '2 minutes')
        and domain = $11
        and queue = $12
    ) as parts
    group by domain, queue, job_type
  ) (
    select
      domain,
      queue,
      job_type,
      queued - later - read_soon - soon as queued,
      later + read_soon + soon as scheduled,
      processing,
      quarantined,
      trusted
      and least(queued - later - read_soon - soon, later + read_soon + soon, processing, quarantined) >= 0 as valid,
      true as listed
    from list
    cross join counted
    cross join lateral (
      select count(*) as soon
      from jobs
      where
        status in ('queued', 'processing', 'quarantined')
        and status = 'queued'
        and available_at > now()
        and available_at < (date_trunc('minute', now(), 'UTC') + interval '2 minutes')
        and domain = counted.domain collate "default"
        and queue = counted.queue collate "default"
        and job_type = counted.job_type collate "default"
        and counted.queued > counted.later
        and not (select all_live from reading)
    ) as near
    where
      listed
      and (
        counted.queued <> 0
        or processing <> 0
        or quarantined <> 0
        or exists (
          select
          from jobs
          where
            domain = counted.domain collate "default"
            and queue = counted.queue collate "default"
            and job_type = counted.job_type collate "default" offset 0
        )
      )
    order by domain, queue, job_type
  )
union all
select '', '', '', 0, 0, 0, 0, false, not trusted
from list
where not listed
