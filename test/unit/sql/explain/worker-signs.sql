with
  trust as materialized (
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
    where (status = 'processing') is true and domain || chr(31) || queue = $10 and domain = $11
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
              job_type = $12::text
              or not exists (select from mark where mark.worker_id is not distinct from known.worker_id)
            )
          union all
          select acquired_at
          from ended as known
          where
            domain = $13::text
            and queue = $14::text
            and (
              job_type = $15::text
              or not exists (select from mark where mark.worker_id is not distinct from known.worker_id)
            )
          union all
          select picked_up_at
          from jobsctl_pickups
          where
            domain = $16::text
            and queue = $17::text
            and (job_type = $18::text or not exists (select from mark))
        ) as pickups
        where picked_up_at <= now() and isfinite(picked_up_at)
      ) as last_picked_up_at
  )
select
  last_asked_at,
  last_picked_up_at,
  extract(epoch from now() - greatest(last_asked_at, last_picked_up_at))::float8 as silence,
  exists (
    select from mark where not fits and asked_at > now() - $19::int * interval '1 minute'
  ) as asked_for_others,
  (select count(*) from running where valid) as running,
  (select count(distinct worker_id) from running where valid) as workers,
  trust.trusted
  or (
    select count(*) < $20::int or min(ended_at) < now() - $21::int * interval '1 minute' from ended
  ) as is_certain
from signs
cross join trust
