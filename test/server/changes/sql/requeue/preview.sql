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
      min(quarantined_at) as oldest,
      max(quarantined_at) as newest,
      null::bigint[] as recent,
      null::text[] as rewritten
    from jobs
    where status = 'quarantined' and domain = $1 and true
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
  ),
  sampled as (
    select
      id,
      300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0) as size
    from jobs
    where status = 'quarantined' and domain = $2 and true
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
  '[]'::jsonb as rewritten,
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
  (
    with recursive
      runnable_again as materialized (
        select needed.uuid
        from (select distinct depends_on_job_uuid as uuid from job_dependencies) as needed
        cross join lateral (
          select
          from (
            select jobs.*, jobs.xmin, jobs.tableoid from jobs where jobs.uuid = needed.uuid offset 0
          ) as jobs
          where status = 'quarantined' and domain = $7 and true
        ) as matched
      ),
      along (uuid) as (
        select dependent.uuid
        from runnable_again
        cross join lateral (
          select dependent.uuid
          from job_dependencies edge
          cross join lateral (
            select uuid, status, cancellation_reason, cancel_requested_at
            from jobs
            where jobs.uuid = edge.job_uuid offset 0
          ) as dependent
          where
            edge.depends_on_job_uuid = runnable_again.uuid
            and dependent.status = 'cancelled'
            and dependent.cancel_requested_at is null
            and dependent.cancellation_reason in ('dependency_failed', 'dependency_cancelled', 'dependency_quarantined') offset 0
        ) as dependent
        union
        select dependent.uuid
        from along
        cross join lateral (
          select dependent.uuid
          from job_dependencies edge
          cross join lateral (
            select uuid, status, cancellation_reason, cancel_requested_at
            from jobs
            where jobs.uuid = edge.job_uuid offset 0
          ) as dependent
          where
            edge.depends_on_job_uuid = along.uuid
            and dependent.status = 'cancelled'
            and dependent.cancel_requested_at is null
            and dependent.cancellation_reason in ('dependency_failed', 'dependency_cancelled', 'dependency_quarantined') offset 0
        ) as dependent
      ),
      blocked (uuid) as (
        select along.uuid
        from along
        where
          exists (
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
              where edge.job_uuid = along.uuid offset 0
            ) as needed
            where
              needed.status in ('failed', 'cancelled', 'quarantined')
              and not exists (select from runnable_again where runnable_again.uuid = needed.uuid)
              and not exists (select from along other where other.uuid = needed.uuid) offset 0
          )
        union
        select along.uuid
        from blocked
        join job_dependencies edge on edge.depends_on_job_uuid = blocked.uuid
        join along on along.uuid = edge.job_uuid
      )
    select (select count(*) from along) - (select count(*) from blocked)
  ) as dependents,
  (select coalesce(sum(count) filter (where true), 0)::bigint from grouped where not by_owner) as restorable,
  (
    select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint
    from sampled
  ) as bytes_estimate,
  (
    select coalesce(jsonb_agg(id), '[]')
    from (
      select id from sampled where id <= 9007199254740991 and (id >= -9007199254740991) is true limit $8
    ) as few
  ) as sample_ids,
  (select to_jsonb(requested) from (select) as requested) as more
