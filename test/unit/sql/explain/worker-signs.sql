with
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
  mark as materialized (
    select
      worker_id,
      asked_at,
      (job_types is null or $6::text = any(job_types))
      and (owner_user_id is null or owner_user_id = $7::text) is true as fits
    from jobsctl_worker_marks
    where domain = $8::text and queue = $9::text
  ),
  running as materialized (
    select job_type, worker_id, acquired_at, coalesce(leased_until, '-infinity') > now() as valid
    from jobs
    where (status = 'processing') is true and domain || chr(31) || queue = $10
    order by coalesce(leased_until, '-infinity') desc
    limit 1000
  ),
  ended as materialized (
    select
      domain,
      queue,
      job_type,
      worker_id,
      acquired_at,
      coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at) as ended_at
    from jobs
    where coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at) is not null
    order by coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at) desc, id desc
    limit 2000
  ),
  signs as materialized (
    select
      (select max(asked_at) from mark where fits) as last_asked_at,
      (
        select max(picked_up_at)
        from (
          select acquired_at as picked_up_at
          from running as known
          where
            (
              job_type = $11::text
              or not exists (select from mark where mark.worker_id is not distinct from known.worker_id)
            )
          union all
          select acquired_at
          from ended as known
          where
            domain = $12::text
            and queue = $13::text
            and (
              job_type = $14::text
              or not exists (select from mark where mark.worker_id is not distinct from known.worker_id)
            )
          union all
          select picked_up_at
          from jobsctl_pickups
          where
            domain = $15::text
            and queue = $16::text
            and (job_type = $17::text or not exists (select from mark))
        ) as pickups
        where picked_up_at <= now() and isfinite(picked_up_at)
      ) as last_picked_up_at
  )
select
  last_asked_at,
  last_picked_up_at,
  extract(epoch from now() - greatest(last_asked_at, last_picked_up_at))::float8 as silence,
  exists (
    select from mark where not fits and asked_at > now() - $18::int * interval '1 minute'
  ) as asked_for_others,
  (select count(*) from running where valid) as running,
  (select count(distinct worker_id) from running where valid) as workers,
  trust.trusted
  or (
    select count(*) < $19::int or min(ended_at) < now() - $20::int * interval '1 minute' from ended
  ) as is_certain
from signs
cross join trust
