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
      min(coalesce(completed_at, cancelled_at, quarantined_at, created_at)) as oldest,
      max(coalesce(completed_at, cancelled_at, quarantined_at, created_at)) as newest,
      null::bigint[] as recent,
      null::text[] as rewritten
    from jobs
    where
      status in ('completed', 'failed', 'cancelled', 'quarantined')
      and status = any($1)
      and domain = $2
      and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($3::text::timestamptz, now()) - $4::int * interval '24 hours'
      and true
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
  ),
  sampled as (
    select
      id,
      300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0) as size
    from jobs
    where
      status in ('completed', 'failed', 'cancelled', 'quarantined')
      and status = any($5)
      and domain = $6
      and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($7::text::timestamptz, now()) - $8::int * interval '24 hours'
      and true
    limit 200
  )
select
  now() as as_of,
  now() + $9::int * interval '1 second' as expires_at,
  pg_current_snapshot()::text as now,
  (select value from jobsctl_settings where name = 'preview_key') as key,
  (
    select (sum(affected) / sum(extract(epoch from ended_at - started_at)))::float8
    from (
      select affected, started_at, ended_at
      from (select * from job_operations order by id desc limit 200) as recent
      where kind = $10 and affected >= 1000 and ended_at > started_at
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
      limit $11
    ) as largest
  ) as groups,
  (
    select coalesce(jsonb_agg(most), '[]')
    from (
      select owner_user_id, count
      from grouped
      where by_owner
      order by count desc, owner_user_id collate "C"
      limit $12
    ) as most
  ) as owners,
  (
    with recursive
      along (uuid, domain, queue) as (
        select dependent.uuid, dependent.domain, dependent.queue
        from (select distinct depends_on_job_uuid as uuid from job_dependencies) as needed
        cross join lateral (
          select
          from (
            select jobs.*, jobs.xmin, jobs.tableoid from jobs where jobs.uuid = needed.uuid offset 0
          ) as jobs
          where
            status in ('completed', 'failed', 'cancelled', 'quarantined')
            and status = any($13)
            and domain = $14
            and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($15::text::timestamptz, now()) - $16::int * interval '24 hours'
            and true
            and status in ('failed', 'cancelled', 'quarantined')
        ) as ended
        cross join lateral (
          select dependent.uuid, dependent.domain, dependent.queue
          from job_dependencies edge
          cross join lateral (
            select uuid, domain, queue, status from jobs where jobs.uuid = edge.job_uuid offset 0
          ) as dependent
          where edge.depends_on_job_uuid = needed.uuid and dependent.status = 'queued' offset 0
        ) as dependent
        union
        select dependent.uuid, dependent.domain, dependent.queue
        from along
        cross join lateral (
          select dependent.uuid, dependent.domain, dependent.queue
          from job_dependencies edge
          cross join lateral (
            select uuid, domain, queue, status from jobs where jobs.uuid = edge.job_uuid offset 0
          ) as dependent
          where edge.depends_on_job_uuid = along.uuid and dependent.status = 'queued' offset 0
        ) as dependent
      )
    select count(*)
    from along
    where
      not exists (
        select
        from (select jobs.*, jobs.xmin, jobs.tableoid from jobs where jobs.uuid = along.uuid offset 0) as jobs
        where
          status in ('completed', 'failed', 'cancelled', 'quarantined')
          and status = any($17)
          and domain = $18
          and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($19::text::timestamptz, now()) - $20::int * interval '24 hours'
          and true
      )
  ) as dependents,
  (select 0::bigint) as kept_by_hold,
  (select coalesce(sum(count) filter (where true), 0)::bigint from grouped where not by_owner) as restorable,
  (
    select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint
    from sampled
  ) as bytes_estimate,
  (
    select coalesce(jsonb_agg(id), '[]')
    from (
      select id from sampled where id <= 9007199254740991 and (id >= -9007199254740991) is true limit $21
    ) as few
  ) as sample_ids,
  (
    select to_jsonb(requested)
    from (
      select
        (select '[]'::jsonb) as foreign_rows,
        (select '[]'::jsonb) as foreign_holders,
        (
          select coalesce(jsonb_agg(largest), '[]')
          from (
            select
              domain,
              queue,
              job_type,
              status,
              count(*) filter (
                where coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($22::text::timestamptz, now()) - $23::int * interval '24 hours'
              ) as count,
              count(*) filter (
                where (
                  coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($24::text::timestamptz, now()) - $25::int * interval '24 hours'
                ) is not true
              ) as keep,
              to_char(
                min(coalesce(completed_at, cancelled_at, quarantined_at, created_at)) filter (
                  where coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($26::text::timestamptz, now()) - $27::int * interval '24 hours'
                ) at time zone 'utc',
                'YYYY-MM-DD"T"HH24:MI:SS"Z"'
              ) as oldest
            from jobs
            where
              status in ('completed', 'failed', 'cancelled', 'quarantined')
              and status = any($28)
              and domain = $29
            group by domain, queue, job_type, status
            having count(*) filter (
              where coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($30::text::timestamptz, now()) - $31::int * interval '24 hours'
            ) > 0
            order by count desc, domain collate "C", queue collate "C", job_type collate "C", status
            limit $32
          ) as largest
        ) as groups,
        (
          select count(*)
          from jobs
          where
            status in ('completed', 'failed', 'cancelled', 'quarantined')
            and status = any($33)
            and domain = $34
            and (
              coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($35::text::timestamptz, now()) - $36::int * interval '24 hours'
            ) is not true
        ) as kept
    ) as requested
  ) as more
