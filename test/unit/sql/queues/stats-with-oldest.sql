select
  item.*,
  case when item.queued > 0 then least(
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
  ) end as oldest_due
from (
  with recursive
    trust as materialized (
      select
        coalesce(
          (
            select
              case when until > now() and jobs = to_regclass('jobs') and tables = case when (
                select relkind = 'p' from pg_class where oid = to_regclass('jobs')
              ) then (
                with recursive
                  tree as (
                    select to_regclass('jobs')::oid as id, null::xid as made
                    union all
                    select inhrelid, pg_inherits.xmin
                    from tree
                    join pg_inherits on inhparent = tree.id
                  )
                select array_agg(id order by id)
                from tree
              ) else '{}'::oid[] end and not exists (select from jobsctl_count_deltas where span is null) then triggers end = coalesce(
                (
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
                ),
                (
                  with recursive
                    tree as (
                      select to_regclass('jobs')::oid as id, null::xid as made
                      union all
                      select inhrelid, pg_inherits.xmin
                      from tree
                      join pg_inherits on inhparent = tree.id
                    )
                  select
                    md5(
                      string_agg(
                        concat_ws('.', pg_trigger.oid, pg_trigger.xmin, tgenabled, made, pg_relation_filenode(id)),
                        ' ' order by id,
                        tgname
                      )
                    )
                  from tree
                  join pg_trigger on tgrelid = id
                  where
                    tgname = any($3::text[])
                    and tgenabled in ('O', 'A')
                    and tgfoid = to_regproc(tgname)
                    and exists (
                      select
                      from pg_class
                      where
                        oid = to_regclass('jobs')
                        and relkind = 'p'
                        and relpersistence = 'p'
                        and not row_security_active(oid)
                        and not relispartition
                        and not exists (
                          with recursive
                            tree as (
                              select to_regclass('jobs')::oid as id, null::xid as made
                              union all
                              select inhrelid, pg_inherits.xmin
                              from tree
                              join pg_inherits on inhparent = tree.id
                            )
                          select
                          from tree
                          join pg_class as part on part.oid = tree.id
                          left join pg_partitioned_table as keyed on keyed.partrelid = tree.id
                          where
                            part.relkind not in ('r', 'p')
                            or part.relpersistence <> 'p'
                            -- An expression has the number 0.
                            or exists (
                              select
                              from unnest(keyed.partattrs) as key
                              where
                                not exists (
                                  select
                                  from pg_attribute
                                  where attrelid = tree.id and attnum = key and attname = any($4::text[])
                                )
                            )
                        )
                    )
                  having count(*) = $5::int * (select count(*) from tree)
                )
              )
            from jobsctl_counting
          ),
          false
        ) as trusted
    ),
    list as materialized (
      select
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
      from trust
    ),
    groups as (
      (
        select domain, queue, job_type
        from jobs
        where true and domain = $6 and not (select listed from list)
        order by domain, queue, job_type
        limit 1
      ) union all select next.* from groups cross join lateral (
        select domain, queue, job_type
        from jobs
        where
          (queue, job_type) > (groups.queue, groups.job_type)
          and domain = $7
          and not (select listed from list)
        order by domain, queue, job_type
        limit 1
      ) next
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
        bool_or(has_jobs) as has_jobs
      from (
        select
          domain collate "C" as domain, queue collate "C" as queue, job_type collate "C" as job_type,
          0 as queued, 0 as later, 0 as processing, 0 as quarantined, true as has_jobs
        from groups
        where true and domain = $8 and queue = $9
        union all
        select domain, queue, job_type, queued, later, processing, quarantined, false
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
        where true and domain = $10 and queue = $11
      ) as groups_and_cells
      group by domain, queue, job_type
    )
  select
    domain, queue, job_type, trusted, queued - later - soon as queued, later + soon as scheduled, processing,
    quarantined
  from trust
  cross join list
  cross join counted
  cross join lateral (
    select count(*) as soon
    from jobs
    where
      status in ('queued', 'processing', 'quarantined')
      and domain = counted.domain collate "default"
      and queue = counted.queue collate "default"
      and job_type = counted.job_type collate "default"
      and status = 'queued'
      and available_at > now()
      and available_at < (date_trunc('minute', now(), 'UTC') + interval '2 minutes')
      and counted.queued > counted.later
  ) as near
  where
    has_jobs
    or (
      listed
      and (
        queued <> 0
        or processing <> 0
        or quarantined <> 0
        -- The offset keeps the planner from reading all jobs at once instead, which it prefers while there are few.
        or exists (
          select
          from jobs
          where
            domain = counted.domain collate "default"
            and queue = counted.queue collate "default"
            and job_type = counted.job_type collate "default" offset 0
        )
      )
    )
  order by domain, queue, job_type
) as item
