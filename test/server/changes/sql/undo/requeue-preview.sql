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
      min(updated_at) as oldest,
      max(updated_at) as newest,
      null::bigint[] as recent,
      null::text[] as rewritten
    from job_operation_rows kept
    join jobs on jobs.id = kept.job_id
    where
      kept.operation_id = $1::bigint
      and (
        (kept.before ->> 'status' <> 'processing' or kept.after ->> 'status' = 'processing')
        and (
          jsonb_build_object(
            'status', jobs.status, 'available_at', jobs.available_at, 'retry_count', jobs.retry_count,
            'failure_streak_code', jobs.failure_streak_code, 'failure_streak_count', jobs.failure_streak_count,
            'quarantined_at', jobs.quarantined_at, 'leased_until', jobs.leased_until, 'lease_id',
            jobs.lease_id, 'worker_id', jobs.worker_id, 'completed_at', jobs.completed_at, 'completion_token',
            jobs.completion_token, 'cancel_requested_at', jobs.cancel_requested_at, 'cancelled_at',
            jobs.cancelled_at, 'cancellation_reason', jobs.cancellation_reason, 'error_message',
            jobs.error_message, 'acquired_at', jobs.acquired_at, 'started_at', jobs.started_at, 'priority',
            jobs.priority, 'error_code', jobs.error_code, 'error_class', jobs.error_class, 'error_stack',
            jobs.error_stack, 'last_error', jobs.last_error, 'max_retries', jobs.max_retries, 'owner_user_id',
            jobs.owner_user_id, 'batch_group', jobs.batch_group, 'job_type', jobs.job_type
          ) @> ((kept.after) - 'payload')
          and case when (kept.after) ? 'payload' then jobs.payload::text is not distinct from (kept.after) ->> 'payload' else true end
        )
      )
      and true
      and true
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
  ),
  sampled as (
    select
      id,
      300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0) as size
    from job_operation_rows kept
    join jobs on jobs.id = kept.job_id
    where
      kept.operation_id = $2::bigint
      and (
        (kept.before ->> 'status' <> 'processing' or kept.after ->> 'status' = 'processing')
        and (
          jsonb_build_object(
            'status', jobs.status, 'available_at', jobs.available_at, 'retry_count', jobs.retry_count,
            'failure_streak_code', jobs.failure_streak_code, 'failure_streak_count', jobs.failure_streak_count,
            'quarantined_at', jobs.quarantined_at, 'leased_until', jobs.leased_until, 'lease_id',
            jobs.lease_id, 'worker_id', jobs.worker_id, 'completed_at', jobs.completed_at, 'completion_token',
            jobs.completion_token, 'cancel_requested_at', jobs.cancel_requested_at, 'cancelled_at',
            jobs.cancelled_at, 'cancellation_reason', jobs.cancellation_reason, 'error_message',
            jobs.error_message, 'acquired_at', jobs.acquired_at, 'started_at', jobs.started_at, 'priority',
            jobs.priority, 'error_code', jobs.error_code, 'error_class', jobs.error_class, 'error_stack',
            jobs.error_stack, 'last_error', jobs.last_error, 'max_retries', jobs.max_retries, 'owner_user_id',
            jobs.owner_user_id, 'batch_group', jobs.batch_group, 'job_type', jobs.job_type
          ) @> ((kept.after) - 'payload')
          and case when (kept.after) ? 'payload' then jobs.payload::text is not distinct from (kept.after) ->> 'payload' else true end
        )
      )
      and true
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
          select
            kept.job_id as job_id,
            case when jobs.id is null then 'the job is deleted' when not (kept.before ->> 'status' <> 'processing' or kept.after ->> 'status' = 'processing') then 'the job was running, and has lost its worker' when jobs.status <> kept.after ->> 'status' then 'the job has gone on, and is ' || jobs.status when kept.after ->> 'status' = 'processing' then 'the job is running, and its worker has heard that it is to end it' else 'the job was picked up or changed since' end as reason
          from job_operation_rows kept
          left join jobs on jobs.id = kept.job_id
          where
            kept.operation_id = $8::bigint
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
