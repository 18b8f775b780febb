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
      null::bigint[] as recent
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
  (select min(oldest) from grouped) as oldest,
  (select max(newest) from grouped) as newest,
  (
    select coalesce(jsonb_agg(largest), '[]')
    from (
      select domain, queue, job_type, status, count
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
    select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint
    from sampled
  ) as bytes_estimate,
  (
    select coalesce(jsonb_agg(id), '[]')
    from (
      select id from sampled where id <= 9007199254740991 and (id >= -9007199254740991) is true limit $15
    ) as few
  ) as sample_ids,
  (select to_jsonb(requested) from (select) as requested) as more
