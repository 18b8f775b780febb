with
  target as materialized (
    select
      id,
      domain,
      queue,
      job_type,
      status,
      cancel_requested_at,
      (status = 'queued' or $1::bool and status = 'processing')
      and exists (
        select
        from lateral (
          select dependent.uuid, dependent.domain, dependent.queue
          from job_dependencies edge
          cross join lateral (
            select uuid, domain, queue, status from jobs where jobs.uuid = edge.job_uuid offset 0
          ) as dependent
          where edge.depends_on_job_uuid = jobs.uuid and dependent.status = 'queued' offset 0
        ) as dependent
        where dependent.uuid <> jobs.uuid
      ) as has_dependents
    from jobs
    where id = $2::job_id
    for update
  ),
  changed as (
    update jobs
    set
      status = case when target.status = 'queued' or $3::bool then 'cancelled' else jobs.status end,
      cancelled_at = case when target.status = 'queued' or $4::bool then now() else jobs.cancelled_at end,
      cancel_requested_at = case when target.status = 'processing' then coalesce(jobs.cancel_requested_at, now()) else jobs.cancel_requested_at end,
      cancellation_reason = coalesce($5::text, jobs.cancellation_reason),
      completed_at = null,
      leased_until = case when target.status = 'queued' or $6::bool then null else jobs.leased_until end
    from target
    where
      jobs.id = target.id
      and not target.has_dependents
      and (target.status = 'queued' or target.status = 'processing' and ($7::bool or target.cancel_requested_at is null))
    returning
      jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
      jobs.status, jobs.cancellation_reason, null::jsonb as after
  ),
  inserted_events as (
    insert into job_events (job_ref, domain, queue, job_type, event_type, attrs_json, owner_user_id, request_id, trace_id)
    select
      id,
      domain,
      queue,
      job_type,
      event_type,
      jsonb_strip_nulls(attrs),
      owner_user_id,
      $8::text,
      trace_id
    from (
      select
        id,
        domain,
        queue,
        job_type,
        owner_user_id,
        trace_id,
        case status when 'cancelled' then 'job.cancelled' else 'job.cancel_requested' end as event_type,
        jsonb_build_object('reason', cancellation_reason, 'caller', $9::text, 'terminal', status = 'cancelled') as attrs
      from changed
    ) as event
  )
select
  target.domain,
  target.queue,
  target.job_type,
  target.has_dependents,
  target.status as before,
  changed.status as after,
  coalesce(changed.status, target.status) = 'processing'
  and (changed.status is not null or target.cancel_requested_at is not null) as cancel_requested
from target
left join changed on true
