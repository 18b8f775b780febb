with recursive
  deleted_jobs as (
    delete from jobs
    where
      coalesce(completed_at, cancelled_at, quarantined_at, created_at) >= $1::text::timestamptz
      and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < $2::text::timestamptz
      and id <= 9007199254740991
      and (id >= -9007199254740991) is true
      and status in ('completed', 'failed', 'cancelled', 'quarantined')
      and status = any($3)
      and domain = $4
      and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($5::text::timestamptz, now()) - $6::int * interval '24 hours'
      and (
        (
          age(jobs.xmin) > (select age($7::text::xid))
          or (
            (jobs.xmin::text::bigint - $8::bigint + $9::bigint) % $10::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $11::bigint
            and jobs.xmin::text::bigint <> all($12::bigint[])
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
                    (pg_inherits.xmin::text::bigint - $13::bigint + $14::bigint) % $15::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $16::bigint
                    or pg_inherits.xmin::text::bigint = any($17::bigint[])
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
    returning id, uuid, status
  ),
  related as materialized (
    select
      exists (select from job_dependencies) as edges,
      exists (
        select
        from job_attachments
        where job_id between (select min(id) from deleted_jobs) and (select max(id) from deleted_jobs)
      ) as attachments
  ),
  -- A job that waits for a deleted job which failed can never run; the deletion of the edge would hide that.
  ended as (select uuid, status from deleted_jobs where (select edges from related)),
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
      select
        id,
        status,
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
      where jobs.uuid = last.uuid offset 0
      for update
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
      jobs.id,
      jobs.uuid,
      jobs.domain,
      jobs.queue,
      jobs.job_type,
      jobs.owner_user_id,
      jobs.trace_id,
      jobs.cancellation_reason,
      dropping.before,
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
      $18::text,
      trace_id
    from (
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
  ),
  attachments as (
    delete from job_attachments
    where job_id = any(array(select id from deleted_jobs where (select attachments from related)))
    returning *
  ),
  dependencies as (
    delete from job_dependencies where job_uuid = any(array(select uuid from ended)) returning *
  ),
  dependents as (
    delete from job_dependencies where depends_on_job_uuid = any(array(select uuid from ended)) returning *
  )
select count(*) as deleted, (select count(*) from dropped) as dependents
from deleted_jobs
