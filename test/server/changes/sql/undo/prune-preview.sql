with
  grouped as materialized (
    select
      domain,
      queue,
      job_type,
      status,
      owner_user_id,
      grouping(owner_user_id) = 0 as by_owner,
      count(*) as count,
      min(archived_at) as oldest,
      max(archived_at) as newest,
      null::bigint[] as recent
    from jobs_archive as jobs
    where
      operation_id = $1::bigint
      and (
        case when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken' when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken' when exists (
          select
          from jobs live
          where
            live.domain = jobs.domain
            and live.queue = jobs.queue
            and live.job_type = jobs.job_type
            and live.idempotency_key = jobs.idempotency_key offset 0
        ) then 'its idempotency key was used again' end
      ) is null
      and true
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
  ),
  sampled as (
    select
      id,
      300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0) as size
    from jobs_archive as jobs
    where
      operation_id = $2::bigint
      and (
        case when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken' when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken' when exists (
          select
          from jobs live
          where
            live.domain = jobs.domain
            and live.queue = jobs.queue
            and live.job_type = jobs.job_type
            and live.idempotency_key = jobs.idempotency_key offset 0
        ) then 'its idempotency key was used again' end
      ) is null
      and true
    limit 200
  )
select
  now() as as_of,
  now() + $3::int * interval '1 second' as expires_at,
  pg_current_snapshot()::text as now,
  (select value from jobsctl_settings where name = 'preview_key') as key,
  (
    select (sum(affected) / sum(extract(epoch from ended_at - started_at)))::float8
    from (
      select affected, started_at, ended_at
      from (select * from job_operations order by id desc limit 200) as recent
      where kind = $4 and affected >= 1000 and ended_at > started_at
      limit 10
    ) as last
  ) as pace,
  (select coalesce(sum(count), 0)::bigint from grouped where not by_owner) as count,
  null as recent,
  (select min(oldest) from grouped) as oldest,
  (select max(newest) from grouped) as newest,
  (
    select coalesce(jsonb_agg(largest), '[]')
    from (
      select
        domain,
        queue,
        job_type,
        status,
        count,
        to_char(oldest at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as oldest
      from grouped
      where not by_owner
      order by count desc, domain collate "C", queue collate "C", job_type collate "C", status
      limit $5
    ) as largest
  ) as groups,
  (
    select coalesce(jsonb_agg(most), '[]')
    from (
      select owner_user_id, count
      from grouped
      where by_owner
      order by count desc, owner_user_id collate "C"
      limit $6
    ) as most
  ) as owners,
  (select 0::bigint) as dependents,
  (select coalesce(sum(count) filter (where false), 0)::bigint from grouped where not by_owner) as restorable,
  (
    select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint
    from sampled
  ) as bytes_estimate,
  (
    select coalesce(jsonb_agg(id), '[]')
    from (
      select id from sampled where id <= 9007199254740991 and (id >= -9007199254740991) is true limit $7
    ) as few
  ) as sample_ids,
  (
    select to_jsonb(requested)
    from (
      with
        conflicts as materialized (
          select job_id, reason
          from (
            select
              jobs.id as job_id,
              case when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken' when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken' when exists (
                select
                from jobs live
                where
                  live.domain = jobs.domain
                  and live.queue = jobs.queue
                  and live.job_type = jobs.job_type
                  and live.idempotency_key = jobs.idempotency_key offset 0
              ) then 'its idempotency key was used again' end as reason
            from jobs_archive as jobs
            where operation_id = $8::bigint
          ) as checked
          where reason is not null
        )
      select
        (select count(*) from conflicts) as conflict_count,
        (
          select coalesce(jsonb_agg(counted order by count desc, reason), '[]')
          from (
            select reason, count(*) as count
            from conflicts
            group by reason
            order by count(*) desc, reason
            limit $9
          ) as counted
        ) as conflict_reasons,
        (
          select coalesce(jsonb_agg(first order by job_id), '[]')
          from (select job_id, reason from conflicts order by job_id limit $10) as first
        ) as conflicts,
        (
          select coalesce(jsonb_agg(job_id), '[]') from (select job_id from conflicts limit $11) as few
        ) as excluded
    ) as requested
  ) as more
