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
      min(case status when 'queued' then created_at else greatest(started_at, acquired_at) end) as oldest,
      max(case status when 'queued' then created_at else greatest(started_at, acquired_at) end) as newest,
      null::bigint[] as recent,
      null::text[] as rewritten
    from jobs
    where
      status in ('queued', 'processing')
      and (
        (
          status = 'queued'
          and created_at <= coalesce($1::text::timestamptz, now()) - least($2::bigint, 100000000000) * interval '1 second'
        )
        or (
          status = 'processing'
          and greatest(started_at, acquired_at) <= coalesce($3::text::timestamptz, now()) - least($4::bigint, 100000000000) * interval '1 second'
        )
      )
      and domain = $5
      and true
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
  ),
  sampled as (
    select
      id,
      300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0) as size
    from jobs
    where
      status in ('queued', 'processing')
      and (
        (
          status = 'queued'
          and created_at <= coalesce($6::text::timestamptz, now()) - least($7::bigint, 100000000000) * interval '1 second'
        )
        or (
          status = 'processing'
          and greatest(started_at, acquired_at) <= coalesce($8::text::timestamptz, now()) - least($9::bigint, 100000000000) * interval '1 second'
        )
      )
      and domain = $10
      and true
    limit 200
  )
select
  now() as as_of,
  now() + $11::int * interval '1 second' as expires_at,
  pg_current_snapshot()::text as now,
  (select value from jobsctl_settings where name = 'preview_key') as key,
  (
    select (sum(affected) / sum(extract(epoch from ended_at - started_at)))::float8
    from (
      select affected, started_at, ended_at
      from (select * from job_operations order by id desc limit 200) as recent
      where kind = $12 and affected >= 1000 and ended_at > started_at
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
      limit $13
    ) as largest
  ) as groups,
  (
    select coalesce(jsonb_agg(most), '[]')
    from (
      select owner_user_id, count
      from grouped
      where by_owner
      order by count desc, owner_user_id collate "C"
      limit $14
    ) as most
  ) as owners,
  (
    select coalesce(jsonb_agg(by_reason), '[]')
    from (
      select case status when 'queued' then 'age' else 'runtime' end as reason, sum(count)::bigint as count
      from grouped
      where not by_owner
      group by 1
      order by 1
    ) as by_reason
  ) as reasons,
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
            status in ('queued', 'processing')
            and (
              (
                status = 'queued'
                and created_at <= coalesce($15::text::timestamptz, now()) - least($16::bigint, 100000000000) * interval '1 second'
              )
              or (
                status = 'processing'
                and greatest(started_at, acquired_at) <= coalesce($17::text::timestamptz, now()) - least($18::bigint, 100000000000) * interval '1 second'
              )
            )
            and domain = $19
            and true
            and true
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
          status in ('queued', 'processing')
          and (
            (
              status = 'queued'
              and created_at <= coalesce($20::text::timestamptz, now()) - least($21::bigint, 100000000000) * interval '1 second'
            )
            or (
              status = 'processing'
              and greatest(started_at, acquired_at) <= coalesce($22::text::timestamptz, now()) - least($23::bigint, 100000000000) * interval '1 second'
            )
          )
          and domain = $24
          and true
      )
  ) as dependents,
  (select 0::bigint) as kept_by_hold,
  (
    select coalesce(sum(count) filter (where status = 'queued'), 0)::bigint from grouped where not by_owner
  ) as restorable,
  (
    select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint
    from sampled
  ) as bytes_estimate,
  (
    select coalesce(jsonb_agg(id), '[]')
    from (
      select id from sampled where id <= 9007199254740991 and (id >= -9007199254740991) is true limit $25
    ) as few
  ) as sample_ids,
  (select to_jsonb(requested) from (select) as requested) as more
