with
  picked as materialized (
    select jobs.id
    from jobs
    cross join lateral (
      select before, after
      from job_operation_rows
      where operation_id = $1::bigint and job_id = jobs.id offset 0
    ) as kept
    where
      jobs.id = any($2::text::bigint[])
      and (
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
              jobs.cancellation_reason, 'error_message', jobs.error_message, 'acquired_at', jobs.acquired_at,
              'started_at', jobs.started_at, 'priority', jobs.priority, 'error_code', jobs.error_code,
              'error_class', jobs.error_class, 'error_stack', jobs.error_stack, 'last_error', jobs.last_error,
              'max_retries', jobs.max_retries, 'owner_user_id', jobs.owner_user_id, 'batch_group',
              jobs.batch_group, 'job_type', jobs.job_type
            ) @> ((kept.after) - 'payload')
            and case when (kept.after) ? 'payload' then jobs.payload::text is not distinct from (kept.after) ->> 'payload' else true end
          )
        )
        and (
          (
            age(jobs.xmin) > (select age($3::text::xid))
            or (
              (jobs.xmin::text::bigint - $4::bigint + $5::bigint) % $6::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $7::bigint
              and jobs.xmin::text::bigint <> all($8::bigint[])
            )
          )
          and jobs.tableoid <> all(
            array(
              with recursive
                parts (part, is_attached) as (
                  select to_regclass('' || 'jobs')::oid, false
                  union all
                  select
                    inhrelid,
                    is_attached
                    or (
                      (pg_inherits.xmin::text::bigint - $9::bigint + $10::bigint) % $11::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $12::bigint
                      or pg_inherits.xmin::text::bigint = any($13::bigint[])
                    )
                  from parts
                  join pg_inherits on inhparent = part
                )
              select part
              from parts
              where is_attached
            )
          )
        )
      ) is true
    for update of jobs skip locked
  ),
  updated as (
    update jobs
    set
      (
        status, available_at, retry_count, failure_streak_code, failure_streak_count, quarantined_at,
        leased_until, lease_id, worker_id, completed_at, completion_token, cancel_requested_at, cancelled_at,
        cancellation_reason, error_message, priority, error_code, error_class, error_stack, last_error,
        max_retries, owner_user_id, batch_group, job_type
      ) = (
        select
          (before ->> 'status')::text,
          (before ->> 'available_at')::timestamptz,
          (before ->> 'retry_count')::integer,
          (before ->> 'failure_streak_code')::text,
          (before ->> 'failure_streak_count')::integer,
          (before ->> 'quarantined_at')::timestamptz,
          (before ->> 'leased_until')::timestamptz,
          (before ->> 'lease_id')::text,
          (before ->> 'worker_id')::text,
          (before ->> 'completed_at')::timestamptz,
          (before ->> 'completion_token')::text,
          (before ->> 'cancel_requested_at')::timestamptz,
          (before ->> 'cancelled_at')::timestamptz,
          (before ->> 'cancellation_reason')::text,
          (before ->> 'error_message')::text,
          (case when before -> 'priority' is null then jobs.priority::text else before ->> 'priority' end)::integer,
          (case when before -> 'error_code' is null then jobs.error_code::text else before ->> 'error_code' end)::text,
          (case when before -> 'error_class' is null then jobs.error_class::text else before ->> 'error_class' end)::text,
          (
            case when before -> 'error_stack' is null then jobs.error_stack::text else nullif(before -> 'error_stack', 'null')::text end
          )::jsonb,
          (case when before -> 'last_error' is null then jobs.last_error::text else before ->> 'last_error' end)::text,
          (case when before -> 'max_retries' is null then jobs.max_retries::text else before ->> 'max_retries' end)::integer,
          (case when before -> 'owner_user_id' is null then jobs.owner_user_id::text else before ->> 'owner_user_id' end)::text,
          (case when before -> 'batch_group' is null then jobs.batch_group::text else before ->> 'batch_group' end)::text,
          (case when before -> 'job_type' is null then jobs.job_type::text else before ->> 'job_type' end)::text
        from job_operation_rows
        where operation_id = $14::bigint and job_id = jobs.id
      )
    where jobs.id = any(array(select id from picked))
    returning jobs.id, domain, queue, job_type, owner_user_id, trace_id, jobs.status
  ),
  deleted_images as (
    delete from job_operation_rows
    where
      ctid = any(
        array(
          select tid
          from updated as jobs
          cross join lateral (
            select ctid as tid
            from job_operation_rows
            where operation_id = $15::bigint and job_id = jobs.id offset 0
          ) as kept
        )
      )
  ),
  hold as (
    insert into jobsctl_holds as known (undo_id, jobs, until, reason, caller, place)
    select
      $16::bigint,
      count(*),
      greatest(
        coalesce($17::text::timestamptz, now() + $18::int * interval '24 hours'),
        (select max(hold.until) from jobsctl_holds as hold where hold.operation_id = $19::bigint)
      ),
      $20::text,
      $21::text,
      $22::text
    from (select id from updated) as given_back
    having count(*) > 0
    on conflict (undo_id) do update set jobs = known.jobs + excluded.jobs
    returning id
  ),
  held as (
    insert into jobsctl_held_jobs (hold_id, job_id)
    select hold.id, given_back.id
    from hold
    cross join (select id from updated) as given_back
  ),
  events as (
    insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json, owner_user_id, request_id, trace_id)
    select
      id,
      domain,
      queue,
      job_type,
      event_type,
      jsonb_strip_nulls(attrs),
      owner_user_id,
      $23::text,
      trace_id
    from (
      select
        id,
        domain,
        queue,
        job_type,
        owner_user_id,
        trace_id,
        'job.restored' as event_type,
        jsonb_build_object('status', status, 'caller', $24::text) as attrs
      from updated
    ) as event
  ),
  notified as (
    select pg_notify($25, case when octet_length(keys) < 7900 then keys else '' end)
    from (
      select jsonb_agg(distinct jsonb_build_array(domain, queue))::text as keys
      from (select domain, queue from updated where status = 'queued') as ready
    ) as notification
    where keys is not null
  )
select
  count(updated.id) as affected,
  count(updated.id) filter (where updated.status = 'processing') as withdrawn
from updated
left join notified on true
