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
      min(leased_until) as oldest,
      max(leased_until) as newest,
      null::bigint[] as recent,
      null::text[] as rewritten
    from (
      select *
      from (
        select *, xmin, tableoid
        from jobs
        where
          (
            (status <> 'processing' and leased_until is not null)
            or (status = 'queued' and (lease_id is not null or worker_id is not null))
          ) offset 0
      ) as jobs
      where true and domain = $1
      union all
      select *
      from (
        select *, xmin, tableoid
        from jobs
        where status = 'processing' and leased_until < coalesce($2::text::timestamptz, now()) offset 0
      ) as jobs
      where true and domain = $3
      union all
      select *
      from (
        select *, xmin, tableoid from jobs where status = 'processing' and leased_until is null offset 0
      ) as jobs
      where true and domain = $4
    ) as jobs
    where true
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
  ),
  sampled as (
    select
      id,
      300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0) as size
    from (
      select *
      from (
        select *, xmin, tableoid
        from jobs
        where
          (
            (status <> 'processing' and leased_until is not null)
            or (status = 'queued' and (lease_id is not null or worker_id is not null))
          ) offset 0
      ) as jobs
      where true and domain = $5
      union all
      select *
      from (
        select *, xmin, tableoid
        from jobs
        where status = 'processing' and leased_until < coalesce($6::text::timestamptz, now()) offset 0
      ) as jobs
      where true and domain = $7
      union all
      select *
      from (
        select *, xmin, tableoid from jobs where status = 'processing' and leased_until is null offset 0
      ) as jobs
      where true and domain = $8
    ) as jobs
    where true
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
    select coalesce(jsonb_agg(by_reason), '[]')
    from (
      select
        case status when 'processing' then 'expired_lease' else 'stale_lease' end as reason,
        sum(count)::bigint as count
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
            (
              status = 'processing'
              and leased_until < coalesce($13::text::timestamptz, now())
              or status = 'processing'
              and leased_until is null
            )
            and true
            and domain = $14
            and (
              cancel_requested_at is not null
              or coalesce(retry_count, 0) >= coalesce(max_retries, 3)
              or nullif(
                coalesce(
                  (to_jsonb(jobs) ->> 'quarantine_threshold')::int,
                  (
                    select of_queue.quarantine_threshold
                    from jobsctl_queues as of_queue
                    where of_queue.domain = jobs.domain and of_queue.queue = jobs.queue
                  ),
                  $15::int
                ),
                0
              ) <= case when failure_streak_code = 'lease_expired' then least(coalesce(failure_streak_count, 0), 1000000) + 1 else 1 end
            )
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
          (
            status = 'processing'
            and leased_until < coalesce($16::text::timestamptz, now())
            or status = 'processing'
            and leased_until is null
          )
          and true
          and domain = $17
      )
  ) as dependents,
  (select coalesce(sum(count) filter (where false), 0)::bigint from grouped where not by_owner) as restorable,
  (
    select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint
    from sampled
  ) as bytes_estimate,
  (
    select coalesce(jsonb_agg(id), '[]')
    from (
      select id from sampled where id <= 9007199254740991 and (id >= -9007199254740991) is true limit $18
    ) as few
  ) as sample_ids,
  (
    select to_jsonb(requested)
    from (
      select
        coalesce(sum(count) filter (where status <> 'processing'), 0) as non_processing_with_lease,
        coalesce(sum(count) filter (where status = 'processing'), 0) as processing_expired
      from grouped
      where not by_owner
    ) as requested
  ) as more
