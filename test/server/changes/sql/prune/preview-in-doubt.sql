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
      array_agg(jobs.xmin::text::bigint) filter (where (jobs.xmin::text::bigint - $1::bigint + $2::bigint) % $3::bigint < $4::bigint) as recent,
      null::text[] as rewritten
    from jobs
    where
      status in ('completed', 'failed', 'cancelled', 'quarantined')
      and status = any($5)
      and domain = $6
      and queue = $7
      and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($8::text::timestamptz, now()) - $9::int * interval '24 hours'
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
      and status = any($10)
      and domain = $11
      and queue = $12
      and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($13::text::timestamptz, now()) - $14::int * interval '24 hours'
      and true
    limit 200
  )
select
  now() as as_of,
  now() + $15::int * interval '1 second' as expires_at,
  pg_current_snapshot()::text as now,
  (select value from jobsctl_settings where name = 'preview_key') as key,
  (
    select (sum(affected) / sum(extract(epoch from ended_at - started_at)))::float8
    from (
      select affected, started_at, ended_at
      from (select * from job_operations order by id desc limit 200) as recent
      where kind = $16 and affected >= 1000 and ended_at > started_at
      limit 10
    ) as last
  ) as pace,
  (select coalesce(sum(count), 0)::bigint from grouped where not by_owner) as count,
  (
    select coalesce(jsonb_agg(id), '[]')
    from (select distinct unnest(recent) as id from grouped limit $17) as ids
  ) as recent,
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
      limit $18
    ) as largest
  ) as groups,
  (
    select coalesce(jsonb_agg(most), '[]')
    from (
      select owner_user_id, count
      from grouped
      where by_owner
      order by count desc, owner_user_id collate "C"
      limit $19
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
            and status = any($20)
            and domain = $21
            and queue = $22
            and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($23::text::timestamptz, now()) - $24::int * interval '24 hours'
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
          and status = any($25)
          and domain = $26
          and queue = $27
          and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($28::text::timestamptz, now()) - $29::int * interval '24 hours'
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
      select id from sampled where id <= 9007199254740991 and (id >= -9007199254740991) is true limit $30
    ) as few
  ) as sample_ids,
  (
    select to_jsonb(requested)
    from (select (select '[]'::jsonb) as foreign_rows, (select '[]'::jsonb) as foreign_holders) as requested
  ) as more
