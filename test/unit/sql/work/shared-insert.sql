with
  request as materialized (
    select *
    from jsonb_to_recordset($1::text::jsonb) as job (
      n int, uuid text, domain text, queue text, job_type text, payload jsonb, owner_user_id text,
      priority int, max_retries int, quarantine_threshold int, available_at timestamptz, delay_seconds float8,
      idempotency_key text, batch_group text, depends_on text[], project_id int, caller text, request_id text,
      trace_id text, traceparent text
    )
  ),
  fresh as materialized (
    select *
    from request
    where
      idempotency_key is null
      or not exists (
        select
        from jobs
        where
          jobs.domain = request.domain
          and jobs.queue = request.queue
          and jobs.job_type = request.job_type
          and jobs.idempotency_key = request.idempotency_key offset 0
      )
  ),
  edges as materialized (
    select fresh.n, fresh.uuid, edge.uuid as needs, needed.status
    from fresh
    cross join unnest(fresh.depends_on) as edge (uuid)
    left join lateral (
      select status from jobs where jobs.uuid = edge.uuid offset 0 for key share
    ) as needed on true
  ),
  obstacle as materialized (
    select distinct 'draining' as why, domain || '/' || queue as what
    from fresh
    join job_queue_controls using (domain, queue)
    where drain
    union all
    select distinct 'unknown', needs
    from edges
    where status is null
  ),
  added as (
    insert into jobs (
      uuid, domain, queue, job_type, payload, owner_user_id, priority, max_retries, retry_count, available_at,
      idempotency_key, batch_group, project_id, request_id, trace_id, status, cancelled_at,
      cancellation_reason
    )
    select
      uuid,
      domain,
      queue,
      job_type,
      payload,
      owner_user_id,
      priority,
      max_retries,
      0,
      coalesce(available_at, now() + delay_seconds * interval '1 second'),
      idempotency_key,
      batch_group,
      project_id,
      request_id,
      trace_id,
      case when ended.status is null then 'queued' else 'cancelled' end,
      case when ended.status is not null then now() end,
      'dependency_' || ended.status
    from fresh
    left join (
      select uuid, min(status) as status
      from edges
      where status in ('failed', 'cancelled', 'quarantined')
      group by uuid
    ) as ended using (uuid)
    where not exists (select from obstacle)
    order by n
    on conflict (domain, queue, job_type, idempotency_key) do nothing
    returning
      jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.project_id,
      jobs.batch_group, jobs.idempotency_key, jobs.payload, jobs.result, jobs.status, jobs.priority,
      jobs.max_retries, jobs.retry_count, jobs.available_at, jobs.started_at, jobs.acquired_at,
      jobs.leased_until, jobs.lease_id, jobs.worker_id, jobs.error_message, jobs.error_code, jobs.error_class,
      jobs.last_error, jobs.error_stack, jobs.cancel_requested_at, jobs.cancelled_at, jobs.cancellation_reason,
      jobs.failure_streak_code, jobs.failure_streak_count, jobs.quarantined_at, jobs.progress_percent,
      jobs.progress_message, jobs.request_id, jobs.trace_id, jobs.failure_timeline, jobs.created_at,
      jobs.updated_at, jobs.completed_at
  ),
  inserted_edges as (
    insert into job_dependencies (job_uuid, depends_on_job_uuid)
    select uuid, needs
    from edges
    join added using (uuid)
  ),
  inserted_events as (
    insert into job_events (job_ref, domain, queue, job_type, event_type, attrs_json, owner_user_id, request_id, trace_id)
    select id, domain, queue, job_type, event_type, attrs, owner_user_id, request_id, trace_id
    from (
      select id, domain, queue, job_type, owner_user_id, call_id as request_id, trace_id, event_type, attrs
      from (
        select
          added.*,
          (select request_id from request where request.uuid = added.uuid) as call_id,
          1 as nth,
          'job.created' as event_type,
          -- Most jobs are due at once. An object without nulls need not be written again (attrsWithoutNulls).
          case when available_at is null and priority is not null then jsonb_build_object('caller', (select caller from request where request.uuid = added.uuid), 'priority', priority) else jsonb_strip_nulls(
            jsonb_build_object(
              'caller',
              (select caller from request where request.uuid = added.uuid),
              'priority',
              priority,
              'available_at',
              replace(replace(available_at::text, ' ', 'T'), '+00', 'Z')
            )
          ) end as attrs
        from added
        union all
        select
          added.*,
          (select request_id from request where request.uuid = added.uuid),
          2,
          'job.cancelled',
          jsonb_strip_nulls(jsonb_build_object('reason', cancellation_reason, 'terminal', true))
        from added
        where status = 'cancelled'
      ) as both_events
      order by id, nth
    ) as event
  ),
  notified as (
    select pg_notify($2, case when octet_length(keys) < 7900 then keys else '' end)
    from (
      select jsonb_agg(distinct jsonb_build_array(domain, queue))::text as keys
      from (select domain, queue from added where status = 'queued') as ready
    ) as notification
    where keys is not null
  )
select
  (select jsonb_agg(obstacle) from obstacle) as obstacles,
  added.id,
  added.uuid,
  added.domain,
  added.queue,
  added.job_type,
  added.owner_user_id,
  added.project_id,
  added.batch_group,
  added.idempotency_key,
  added.payload,
  added.result,
  added.status,
  added.priority,
  added.max_retries,
  added.retry_count,
  added.available_at,
  added.started_at,
  added.acquired_at,
  added.leased_until,
  added.lease_id,
  added.worker_id,
  added.error_message,
  added.error_code,
  added.error_class,
  added.last_error,
  added.error_stack,
  added.cancel_requested_at,
  added.cancelled_at,
  added.cancellation_reason,
  added.failure_streak_code,
  added.failure_streak_count,
  added.quarantined_at,
  added.progress_percent,
  added.progress_message,
  added.request_id,
  added.trace_id,
  added.failure_timeline,
  added.created_at,
  added.updated_at,
  added.completed_at
from (select) as one
left join added on true
left join notified on true
