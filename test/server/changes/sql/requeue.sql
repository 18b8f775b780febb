with
  picked as materialized (
    select
      id,
      jsonb_build_object(
        'status', jobs.status, 'available_at', jobs.available_at, 'retry_count', jobs.retry_count,
        'failure_streak_code', jobs.failure_streak_code, 'failure_streak_count', jobs.failure_streak_count,
        'quarantined_at', jobs.quarantined_at, 'leased_until', jobs.leased_until, 'lease_id', jobs.lease_id,
        'worker_id', jobs.worker_id, 'completed_at', jobs.completed_at, 'completion_token',
        jobs.completion_token, 'cancel_requested_at', jobs.cancel_requested_at, 'cancelled_at',
        jobs.cancelled_at, 'cancellation_reason', jobs.cancellation_reason, 'error_message',
        jobs.error_message, 'acquired_at', jobs.acquired_at, 'started_at', jobs.started_at
      ) as before
    from jobs
    where
      jobs.id = any($1::text::bigint[])
      and (
        status = 'quarantined'
        and domain = $2
        and (
          age(jobs.xmin) > (select age($3::text::xid))
          or (
            (jobs.xmin::text::bigint - $4::bigint + $5::bigint) % $6::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $7::bigint
            and jobs.xmin::text::bigint <> all($8::bigint[])
          )
        )
      ) is true
    for update skip locked
  ),
  updated as (
    update jobs
    set
      status = 'queued',
      available_at = now(),
      retry_count = 0,
      failure_streak_code = null,
      failure_streak_count = 0,
      quarantined_at = null,
      leased_until = null,
      lease_id = null,
      worker_id = null,
      completed_at = null,
      completion_token = null,
      cancel_requested_at = null,
      cancelled_at = null,
      cancellation_reason = null
    where jobs.id = any(array(select id from picked))
    returning
      jobs.id,
      domain,
      queue,
      job_type,
      owner_user_id,
      trace_id,
      jsonb_build_object(
        'status', jobs.status, 'available_at', jobs.available_at, 'retry_count', jobs.retry_count,
        'failure_streak_code', jobs.failure_streak_code, 'failure_streak_count', jobs.failure_streak_count,
        'quarantined_at', jobs.quarantined_at, 'leased_until', jobs.leased_until, 'lease_id', jobs.lease_id,
        'worker_id', jobs.worker_id, 'completed_at', jobs.completed_at, 'completion_token',
        jobs.completion_token, 'cancel_requested_at', jobs.cancel_requested_at, 'cancelled_at',
        jobs.cancelled_at, 'cancellation_reason', jobs.cancellation_reason, 'error_message',
        jobs.error_message, 'acquired_at', jobs.acquired_at, 'started_at', jobs.started_at
      ) as after
  ),
  row_images as (
    insert into job_operation_rows (operation_id, job_id, before, after)
    select $9::bigint, id, before, after
    from (
      select id, before, after
      from (
        select picked.id, before, after from picked full join updated on updated.id = picked.id offset 0
      ) as either
      where after is not null
    ) as changed
    on conflict (operation_id, job_id) do update set after = excluded.after
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
      $10::text,
      trace_id
    from (select *, 'job.requeued' as event_type, '{}'::jsonb as attrs from updated) as event
  ),
  notified as (
    select pg_notify($11, case when octet_length(keys) < 7900 then keys else '' end)
    from (
      select jsonb_agg(distinct jsonb_build_array(domain, queue))::text as keys
      from (select domain, queue from updated) as ready
    ) as notification
    where keys is not null
  )
select count(updated.id) as affected
from updated
left join notified on true
