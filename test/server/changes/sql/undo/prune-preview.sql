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
      null::bigint[] as recent,
      null::text[] as rewritten
    from jobs_archive as jobs
    where
      operation_id = $1::bigint
      and (
        case when (jobs.status in ('completed', 'failed', 'cancelled', 'quarantined')) is not true then 'its archived row has a status that no prune takes: somebody has changed the row' when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken' when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken' when exists (
          select
          from jobs live
          where
            live.domain = jobs.domain
            and live.queue = jobs.queue
            and live.job_type = jobs.job_type
            and live.idempotency_key = jobs.idempotency_key offset 0
        ) then 'its idempotency key was used again' end
      ) is null
      and (true and domain = $2) is true
      and true
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
  ),
  sampled as (
    select
      id,
      300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0) as size
    from jobs_archive as jobs
    where
      operation_id = $3::bigint
      and (
        case when (jobs.status in ('completed', 'failed', 'cancelled', 'quarantined')) is not true then 'its archived row has a status that no prune takes: somebody has changed the row' when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken' when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken' when exists (
          select
          from jobs live
          where
            live.domain = jobs.domain
            and live.queue = jobs.queue
            and live.job_type = jobs.job_type
            and live.idempotency_key = jobs.idempotency_key offset 0
        ) then 'its idempotency key was used again' end
      ) is null
      and (true and domain = $4) is true
      and true
    limit 200
  )
select
  now() as as_of,
  now() + $5::int * interval '1 second' as expires_at,
  pg_current_snapshot()::text as now,
  (select value from jobsctl_settings where name = 'preview_key') as key,
  (
    select (sum(affected) / sum(extract(epoch from ended_at - started_at)))::float8
    from (
      select affected, started_at, ended_at
      from (select * from job_operations order by id desc limit 200) as recent
      where kind = $6 and affected >= 1000 and ended_at > started_at
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
      limit $7
    ) as largest
  ) as groups,
  (
    select coalesce(jsonb_agg(most), '[]')
    from (
      select owner_user_id, count
      from grouped
      where by_owner
      order by count desc, owner_user_id collate "C"
      limit $8
    ) as most
  ) as owners,
  (
    with recursive
      along as materialized (
        select kept.job_id as job_id, jobs.uuid, kept.before
        from job_operation_rows kept
        join jobs on jobs.id = kept.job_id
        where
          kept.operation_id = $9::bigint
          and (
            (kept.before ->> 'status' <> 'processing' or kept.after ->> 'status' = 'processing')
            and (
              jsonb_build_object(
                'status', jobs.status, 'available_at', jobs.available_at, 'retry_count', jobs.retry_count,
                'failure_streak_code', jobs.failure_streak_code, 'failure_streak_count',
                jobs.failure_streak_count, 'quarantined_at', jobs.quarantined_at, 'leased_until',
                jobs.leased_until, 'lease_id', jobs.lease_id, 'worker_id', jobs.worker_id, 'completed_at',
                jobs.completed_at, 'completion_token', jobs.completion_token, 'cancel_requested_at',
                jobs.cancel_requested_at, 'cancelled_at', jobs.cancelled_at, 'cancellation_reason',
                jobs.cancellation_reason, 'error_message', jobs.error_message, 'acquired_at', jobs.acquired_at,
                'started_at', jobs.started_at, 'priority', jobs.priority, 'error_code', jobs.error_code,
                'error_class', jobs.error_class, 'error_stack', jobs.error_stack, 'last_error',
                jobs.last_error, 'max_retries', jobs.max_retries, 'owner_user_id', jobs.owner_user_id,
                'batch_group', jobs.batch_group, 'job_type', jobs.job_type
              ) @> ((kept.after) - 'payload')
              and case when (kept.after) ? 'payload' then jobs.payload::text is not distinct from (kept.after) ->> 'payload' else true end
            )
          )
      ),
      lacking (uuid) as (
        select along.uuid
        from along
        where
          exists (
            select
            from jsonb_array_elements_text(coalesce(along.before -> 'needs', '[]')) as needed (uuid)
            where
              not (
                exists (
                  select
                  from job_dependencies edge
                  where edge.job_uuid = along.uuid and edge.depends_on_job_uuid = needed.uuid offset 0
                )
                or exists (
                  select
                  from jobs_archive as jobs
                  where
                    operation_id = $10::bigint
                    and jobs.uuid = needed.uuid
                    and (
                      case when (jobs.status in ('completed', 'failed', 'cancelled', 'quarantined')) is not true then 'its archived row has a status that no prune takes: somebody has changed the row' when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken' when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken' when exists (
                        select
                        from jobs live
                        where
                          live.domain = jobs.domain
                          and live.queue = jobs.queue
                          and live.job_type = jobs.job_type
                          and live.idempotency_key = jobs.idempotency_key offset 0
                      ) then 'its idempotency key was used again' end
                    ) is null
                    and (true and domain = $11) is true offset 0
                )
              )
          )
        union
        select along.uuid
        from lacking
        join job_dependencies edge on edge.depends_on_job_uuid = lacking.uuid
        join along on along.uuid = edge.job_uuid
      )
    select count(*)
    from along
    where not exists (select from lacking where lacking.uuid = along.uuid)
  ) as dependents,
  (select coalesce(sum(count) filter (where false), 0)::bigint from grouped where not by_owner) as restorable,
  (
    select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint
    from sampled
  ) as bytes_estimate,
  (
    select coalesce(jsonb_agg(id), '[]')
    from (
      select id from sampled where id <= 9007199254740991 and (id >= -9007199254740991) is true limit $12
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
              case when (true and domain = $13) is not true then 'its archived row lies outside of the scope of the operation: somebody has changed the row' else case when (jobs.status in ('completed', 'failed', 'cancelled', 'quarantined')) is not true then 'its archived row has a status that no prune takes: somebody has changed the row' when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken' when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken' when exists (
                select
                from jobs live
                where
                  live.domain = jobs.domain
                  and live.queue = jobs.queue
                  and live.job_type = jobs.job_type
                  and live.idempotency_key = jobs.idempotency_key offset 0
              ) then 'its idempotency key was used again' end end as reason
            from jobs_archive as jobs
            where operation_id = $14::bigint
          ) as checked
          where reason is not null
          union all
          select
            kept.job_id as job_id,
            case when jobs.id is null then 'the job is deleted' when not (kept.before ->> 'status' <> 'processing' or kept.after ->> 'status' = 'processing') then 'the job was running, and has lost its worker' when jobs.status <> kept.after ->> 'status' then 'the job has gone on, and is ' || jobs.status when kept.after ->> 'status' = 'processing' then 'the job is running, and its worker has heard that it is to end it' else 'the job was picked up or changed since' end as reason
          from job_operation_rows kept
          left join jobs on jobs.id = kept.job_id
          where
            kept.operation_id = $15::bigint
            and not coalesce(
              (
                (kept.before ->> 'status' <> 'processing' or kept.after ->> 'status' = 'processing')
                and (
                  jsonb_build_object(
                    'status', jobs.status, 'available_at', jobs.available_at, 'retry_count', jobs.retry_count,
                    'failure_streak_code', jobs.failure_streak_code, 'failure_streak_count',
                    jobs.failure_streak_count, 'quarantined_at', jobs.quarantined_at, 'leased_until',
                    jobs.leased_until, 'lease_id', jobs.lease_id, 'worker_id', jobs.worker_id, 'completed_at',
                    jobs.completed_at, 'completion_token', jobs.completion_token, 'cancel_requested_at',
                    jobs.cancel_requested_at, 'cancelled_at', jobs.cancelled_at, 'cancellation_reason',
                    jobs.cancellation_reason, 'error_message', jobs.error_message, 'acquired_at',
                    jobs.acquired_at, 'started_at', jobs.started_at, 'priority', jobs.priority, 'error_code',
                    jobs.error_code, 'error_class', jobs.error_class, 'error_stack', jobs.error_stack,
                    'last_error', jobs.last_error, 'max_retries', jobs.max_retries, 'owner_user_id',
                    jobs.owner_user_id, 'batch_group', jobs.batch_group, 'job_type', jobs.job_type
                  ) @> ((kept.after) - 'payload')
                  and case when (kept.after) ? 'payload' then jobs.payload::text is not distinct from (kept.after) ->> 'payload' else true end
                )
              ),
              false
            )
          union all
          select job_id, reason
          from (
            with recursive
              along as materialized (
                select kept.job_id as job_id, jobs.uuid, kept.before
                from job_operation_rows kept
                join jobs on jobs.id = kept.job_id
                where
                  kept.operation_id = $16::bigint
                  and (
                    (kept.before ->> 'status' <> 'processing' or kept.after ->> 'status' = 'processing')
                    and (
                      jsonb_build_object(
                        'status', jobs.status, 'available_at', jobs.available_at, 'retry_count',
                        jobs.retry_count, 'failure_streak_code', jobs.failure_streak_code,
                        'failure_streak_count', jobs.failure_streak_count, 'quarantined_at',
                        jobs.quarantined_at, 'leased_until', jobs.leased_until, 'lease_id', jobs.lease_id,
                        'worker_id', jobs.worker_id, 'completed_at', jobs.completed_at, 'completion_token',
                        jobs.completion_token, 'cancel_requested_at', jobs.cancel_requested_at, 'cancelled_at',
                        jobs.cancelled_at, 'cancellation_reason', jobs.cancellation_reason, 'error_message',
                        jobs.error_message, 'acquired_at', jobs.acquired_at, 'started_at', jobs.started_at,
                        'priority', jobs.priority, 'error_code', jobs.error_code, 'error_class',
                        jobs.error_class, 'error_stack', jobs.error_stack, 'last_error', jobs.last_error,
                        'max_retries', jobs.max_retries, 'owner_user_id', jobs.owner_user_id, 'batch_group',
                        jobs.batch_group, 'job_type', jobs.job_type
                      ) @> ((kept.after) - 'payload')
                      and case when (kept.after) ? 'payload' then jobs.payload::text is not distinct from (kept.after) ->> 'payload' else true end
                    )
                  )
              ),
              lacking (uuid) as (
                select along.uuid
                from along
                where
                  exists (
                    select
                    from jsonb_array_elements_text(coalesce(along.before -> 'needs', '[]')) as needed (uuid)
                    where
                      not (
                        exists (
                          select
                          from job_dependencies edge
                          where edge.job_uuid = along.uuid and edge.depends_on_job_uuid = needed.uuid offset 0
                        )
                        or exists (
                          select
                          from jobs_archive as jobs
                          where
                            operation_id = $17::bigint
                            and jobs.uuid = needed.uuid
                            and (
                              case when (jobs.status in ('completed', 'failed', 'cancelled', 'quarantined')) is not true then 'its archived row has a status that no prune takes: somebody has changed the row' when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken' when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken' when exists (
                                select
                                from jobs live
                                where
                                  live.domain = jobs.domain
                                  and live.queue = jobs.queue
                                  and live.job_type = jobs.job_type
                                  and live.idempotency_key = jobs.idempotency_key offset 0
                              ) then 'its idempotency key was used again' end
                            ) is null
                            and (true and domain = $18) is true offset 0
                        )
                      )
                  )
                union
                select along.uuid
                from lacking
                join job_dependencies edge on edge.depends_on_job_uuid = lacking.uuid
                join along on along.uuid = edge.job_uuid
              )
            select along.job_id, 'a job that it depends on does not come back' as reason
            from along
            join jobs on jobs.id = along.job_id
            where not not exists (select from lacking where lacking.uuid = along.uuid)
          ) as lacking
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
            limit $19
          ) as counted
        ) as conflict_reasons,
        (
          select coalesce(jsonb_agg(first order by job_id), '[]')
          from (select job_id, reason from conflicts order by job_id limit $20) as first
        ) as conflicts,
        (
          select coalesce(jsonb_agg(job_id), '[]') from (select job_id from conflicts limit $21) as few
        ) as excluded
    ) as requested
  ) as more
