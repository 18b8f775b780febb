with recursive
  target as materialized (select id, status, cancel_requested_at from jobs where id = $1::bigint for update),
  changed as (
    update jobs
    set
      status = case when target.status = 'queued' or $2::bool then 'cancelled' else jobs.status end,
      cancelled_at = case when target.status = 'queued' or $3::bool then now() else jobs.cancelled_at end,
      cancel_requested_at = case when target.status = 'processing' then coalesce(jobs.cancel_requested_at, now()) else jobs.cancel_requested_at end,
      cancellation_reason = coalesce($4::text, jobs.cancellation_reason),
      completed_at = null,
      leased_until = case when target.status = 'queued' or $5::bool then null else jobs.leased_until end
    from target
    where
      jobs.id = target.id
      and (target.status = 'queued' or target.status = 'processing' and ($6::bool or target.cancel_requested_at is null))
    returning
      jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
      jobs.status, jobs.cancellation_reason
  ),
  ended as (select uuid, status from changed where status = 'cancelled'),
  doomed (uuid, reason) as (
    select dependent.uuid, 'dependency_' || ended.status
    from ended
    cross join lateral (
      select dependent.uuid, dependent.domain, dependent.queue
      from job_dependencies edge
      cross join lateral (
        select uuid, domain, queue, status from jobs where jobs.uuid = edge.job_uuid offset 0
      ) as dependent
      where edge.depends_on_job_uuid = ended.uuid and dependent.status = 'queued' offset 0
    ) as dependent
    where
      ended.status in ('failed', 'cancelled', 'quarantined')
      and not exists (select from ended other where other.uuid = dependent.uuid)
    union
    select dependent.uuid, 'dependency_cancelled'
    from doomed
    cross join lateral (
      select dependent.uuid, dependent.domain, dependent.queue
      from job_dependencies edge
      cross join lateral (
        select uuid, domain, queue, status from jobs where jobs.uuid = edge.job_uuid offset 0
      ) as dependent
      where edge.depends_on_job_uuid = doomed.uuid and dependent.status = 'queued' offset 0
    ) as dependent
    where not exists (select from ended where ended.uuid = dependent.uuid)
  ),
  dropping as materialized (
    select job.id, last.reason, job.before
    from (select uuid, min(reason) as reason from doomed group by uuid) as last
    cross join lateral (
      select id, status, null::jsonb as before from jobs where jobs.uuid = last.uuid offset 0 for update
    ) as job
    cross join jsonb_array_elements('[null]') as not_few
    where job.status = 'queued'
  ),
  dropped as (
    update jobs
    set
      status = 'cancelled',
      cancelled_at = now(),
      cancellation_reason = dropping.reason,
      completed_at = null,
      leased_until = null,
      lease_id = null,
      worker_id = null
    from dropping
    where jobs.id = any(array(select id from dropping)) and jobs.id = dropping.id
    returning
      jobs.id, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
      jobs.cancellation_reason, dropping.before, null::jsonb as after
  ),
  inserted_events as (
    insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json, owner_user_id, request_id, trace_id)
    select
      id,
      domain,
      queue,
      job_type,
      event_type,
      jsonb_strip_nulls(attrs),
      owner_user_id,
      $7::text,
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
        jsonb_build_object('reason', cancellation_reason, 'caller', $8::text, 'terminal', status = 'cancelled') as attrs
      from changed
      union all
      select
        id,
        domain,
        queue,
        job_type,
        owner_user_id,
        trace_id,
        'job.cancelled' as event_type,
        jsonb_build_object('reason', cancellation_reason, 'terminal', true) as attrs
      from (select * from dropped order by id) as dropped
    ) as event
  )
select
  target.status as before,
  changed.status as after,
  coalesce(changed.status, target.status) = 'processing'
  and (changed.status is not null or target.cancel_requested_at is not null) as cancel_requested
from target
left join changed on true
