with
  attempt as materialized (
    select
      job.id, request.worker_id, request.completion_token, request.finish, request.result, request.request_id
    from (
      select *
      from jsonb_to_recordset($1::text::jsonb) as item (id bigint, worker_id text, lease_id text, completion_token text, finish text, result jsonb, request_id text)
      order by id
    ) as request
    cross join lateral (
      select
        id, status, lease_id, worker_id, retry_count, max_retries, failure_streak_code, failure_streak_count,
        cancel_requested_at
      from jobs
      where jobs.id = request.id offset 0
      for update skip locked
    ) as job
    cross join jsonb_array_elements('[null]') as not_few
    where job.status = 'processing' and job.lease_id = request.lease_id and job.worker_id = request.worker_id
  ),
  settled as (
    update jobs
    set
      status = 'completed',
      result = attempt.result,
      completed_at = now(),
      quarantined_at = null,
      failure_streak_code = null,
      failure_streak_count = 0,
      error_message = null,
      error_code = null,
      error_class = null,
      error_stack = null,
      completion_token = attempt.completion_token,
      leased_until = null
    from attempt
    where jobs.id = any(array(select id from attempt)) and jobs.id = attempt.id
    returning
      jobs.id,
      jobs.uuid,
      jobs.domain,
      jobs.queue,
      jobs.job_type,
      jobs.owner_user_id,
      jobs.trace_id,
      jobs.status,
      coalesce(jobs.retry_count, 0) as retry_count,
      attempt.worker_id,
      attempt.finish,
      attempt.request_id
  ),
  inserted_events as (
    insert into job_events (job_ref, domain, queue, job_type, event_type, attrs_json, owner_user_id, request_id, trace_id)
    select id, domain, queue, job_type, event_type, attrs, owner_user_id, request_id, trace_id
    from (
      select
        id,
        domain,
        queue,
        job_type,
        owner_user_id,
        trace_id,
        request_id,
        'job.' || status as event_type,
        case num_nulls(finish) when 0 then jsonb_build_object('worker_id', worker_id, 'retry_count', retry_count, 'finish', finish) else jsonb_strip_nulls(jsonb_build_object('worker_id', worker_id, 'retry_count', retry_count, 'finish', finish)) end as attrs
      from settled
    ) as event
  ),
  notified as (
    select pg_notify($2, case when octet_length(keys) < 7900 then keys else '' end)
    from (
      select jsonb_agg(distinct jsonb_build_array(domain, queue))::text as keys
      from (
        select dependent.domain, dependent.queue
        from settled
        cross join lateral (
          select dependent.uuid, dependent.domain, dependent.queue
          from job_dependencies edge
          cross join lateral (
            select uuid, domain, queue, status from jobs where jobs.uuid = edge.job_uuid offset 0
          ) as dependent
          where edge.depends_on_job_uuid = settled.uuid and dependent.status = 'queued' offset 0
        ) as dependent
      ) as ready
    ) as notification
    where keys is not null
  )
select id, status, retry_count, null::timestamptz as available_at
from settled
left join notified on true
