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
      min(created_at) as oldest,
      max(created_at) as newest,
      null::bigint[] as recent,
      null::text[] as rewritten
    from (
      select
        id, uuid::text as uuid, domain::text as domain, queue::text as queue, job_type::text as job_type,
        status::text as status, owner_user_id::text as owner_user_id, payload::text as payload,
        result::text as result, error_stack::text as error_stack, failure_timeline::text as failure_timeline,
        created_at, jobs.xmin
      from jobs
      where status <> 'processing' and true and jobs.owner_user_id = $1::text
      union all
      select
        id, uuid::text as uuid, domain::text as domain, queue::text as queue, job_type::text as job_type,
        status::text as status, owner_user_id::text as owner_user_id, payload::text as payload,
        result::text as result, error_stack::text as error_stack, failure_timeline::text as failure_timeline,
        created_at, jobs.xmin
      from jobs_archive as jobs
      where true and jobs.owner_user_id = $2::text
      union all (
        select
          distinct on (coalesce(jobs.job_id, (-jobs.id)::bigint)) coalesce(jobs.job_id, (-jobs.id)::bigint) as id,
          null::text,
          coalesce(domain, ''),
          coalesce(queue, ''),
          coalesce(job_type, ''),
          'gone',
          owner_user_id::text,
          null::text,
          null::text,
          null::text,
          null::text,
          created_at,
          jobs.xmin
        from job_events as jobs
        where
          jobs.owner_user_id = $3::text
          and (jobs.owner_user_id is not null or jobs.attrs_json::text is distinct from $4::text)
          and true
          and not exists (
            select from jobs other where other.id = jobs.job_id and other.owner_user_id = $5::text offset 0
          )
          and not exists (
            select
            from jobs_archive other
            where other.id = jobs.job_id and other.owner_user_id = $6::text offset 0
          )
        order by coalesce(jobs.job_id, (-jobs.id)::bigint), jobs.id desc
      )
    ) as jobs
    where true
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
  ),
  sampled as (
    select
      id,
      300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0) as size
    from (
      select
        id, uuid::text as uuid, domain::text as domain, queue::text as queue, job_type::text as job_type,
        status::text as status, owner_user_id::text as owner_user_id, payload::text as payload,
        result::text as result, error_stack::text as error_stack, failure_timeline::text as failure_timeline,
        created_at, jobs.xmin
      from jobs
      where status <> 'processing' and true and jobs.owner_user_id = $7::text
      union all
      select
        id, uuid::text as uuid, domain::text as domain, queue::text as queue, job_type::text as job_type,
        status::text as status, owner_user_id::text as owner_user_id, payload::text as payload,
        result::text as result, error_stack::text as error_stack, failure_timeline::text as failure_timeline,
        created_at, jobs.xmin
      from jobs_archive as jobs
      where true and jobs.owner_user_id = $8::text
      union all (
        select
          distinct on (coalesce(jobs.job_id, (-jobs.id)::bigint)) coalesce(jobs.job_id, (-jobs.id)::bigint) as id,
          null::text,
          coalesce(domain, ''),
          coalesce(queue, ''),
          coalesce(job_type, ''),
          'gone',
          owner_user_id::text,
          null::text,
          null::text,
          null::text,
          null::text,
          created_at,
          jobs.xmin
        from job_events as jobs
        where
          jobs.owner_user_id = $9::text
          and (jobs.owner_user_id is not null or jobs.attrs_json::text is distinct from $10::text)
          and true
          and not exists (
            select from jobs other where other.id = jobs.job_id and other.owner_user_id = $11::text offset 0
          )
          and not exists (
            select
            from jobs_archive other
            where other.id = jobs.job_id and other.owner_user_id = $12::text offset 0
          )
        order by coalesce(jobs.job_id, (-jobs.id)::bigint), jobs.id desc
      )
    ) as jobs
    where true
    limit 200
  )
select
  now() as as_of,
  now() + $13::int * interval '1 second' as expires_at,
  pg_current_snapshot()::text as now,
  (select value from jobsctl_settings where name = 'preview_key') as key,
  (
    select (sum(affected) / sum(extract(epoch from ended_at - started_at)))::float8
    from (
      select affected, started_at, ended_at
      from (select * from job_operations order by id desc limit 200) as recent
      where kind = $14 and affected >= 1000 and ended_at > started_at
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
      limit $15
    ) as largest
  ) as groups,
  (
    select coalesce(jsonb_agg(most), '[]')
    from (
      select owner_user_id, count
      from grouped
      where by_owner
      order by count desc, owner_user_id collate "C"
      limit $16
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
          where status <> 'processing' and true and jobs.owner_user_id = $17::text and status <> 'completed'
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
        where status <> 'processing' and true and jobs.owner_user_id = $18::text
      )
  ) as dependents,
  (select (select 0::bigint) + (select 0::bigint)) as kept_by_hold,
  (select coalesce(sum(count) filter (where false), 0)::bigint from grouped where not by_owner) as restorable,
  (
    select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint
    from sampled
  ) as bytes_estimate,
  (
    select coalesce(jsonb_agg(id), '[]')
    from (
      select id from sampled where id <= 9007199254740991 and (id >= -9007199254740991) is true limit $19
    ) as few
  ) as sample_ids,
  (select to_jsonb(requested) from (select (select '[]'::jsonb) as foreign_rows) as requested) as more
