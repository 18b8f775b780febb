with recursive
  picked as materialized (
    select id
    from jobs
    where
      jobs.id = any($1::text::bigint[])
      and (
        status in ('completed', 'failed', 'cancelled', 'quarantined')
        and status = any($2)
        and domain = $3
        and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($4::text::timestamptz, now()) - $5::int * interval '24 hours'
        and (
          (
            age(jobs.xmin) > (select age($6::text::xid))
            or (
              (jobs.xmin::text::bigint - $7::bigint + $8::bigint) % $9::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $10::bigint
              and jobs.xmin::text::bigint <> all($11::bigint[])
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
                      (pg_inherits.xmin::text::bigint - $12::bigint + $13::bigint) % $14::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $15::bigint
                      or pg_inherits.xmin::text::bigint = any($16::bigint[])
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
    for update skip locked
  ),
  deleted_jobs as (
    delete from jobs
    where
      jobs.id = any(array(select id from picked))
      and (
        status in ('completed', 'failed', 'cancelled', 'quarantined')
        and status = any($17)
        and domain = $18
        and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($19::text::timestamptz, now()) - $20::int * interval '24 hours'
        and (
          (
            age(jobs.xmin) > (select age($21::text::xid))
            or (
              (jobs.xmin::text::bigint - $22::bigint + $23::bigint) % $24::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $25::bigint
              and jobs.xmin::text::bigint <> all($26::bigint[])
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
                      (pg_inherits.xmin::text::bigint - $27::bigint + $28::bigint) % $29::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $30::bigint
                      or pg_inherits.xmin::text::bigint = any($31::bigint[])
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
    returning jobs.*
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
      $32::text,
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
  ),
  archived as (
    insert into jobs_archive (
      "id", "uuid", "domain", "queue", "job_type", "owner_user_id", "project_id", "batch_group",
      "idempotency_key", "payload", "result", "status", "priority", "max_retries", "retry_count",
      "available_at", "started_at", "acquired_at", "leased_until", "lease_id", "worker_id", "error_message",
      "error_code", "error_class", "last_error", "error_stack", "cancel_requested_at", "cancelled_at",
      "cancellation_reason", "completion_token", "failure_streak_code", "failure_streak_count",
      "quarantined_at", "progress_percent", "progress_message", "request_id", "trace_id", "failure_timeline",
      "created_at", "updated_at", "completed_at", "quarantine_threshold", "traceparent", operation_id,
      archived_at, job_attachments, job_dependencies
    )
    overriding system value
    select
      "deleted_jobs"."id",
      "deleted_jobs"."uuid",
      "deleted_jobs"."domain",
      "deleted_jobs"."queue",
      "deleted_jobs"."job_type",
      "deleted_jobs"."owner_user_id",
      "deleted_jobs"."project_id",
      "deleted_jobs"."batch_group",
      "deleted_jobs"."idempotency_key",
      "deleted_jobs"."payload",
      "deleted_jobs"."result",
      "deleted_jobs"."status",
      "deleted_jobs"."priority",
      "deleted_jobs"."max_retries",
      "deleted_jobs"."retry_count",
      "deleted_jobs"."available_at",
      "deleted_jobs"."started_at",
      "deleted_jobs"."acquired_at",
      "deleted_jobs"."leased_until",
      "deleted_jobs"."lease_id",
      "deleted_jobs"."worker_id",
      "deleted_jobs"."error_message",
      "deleted_jobs"."error_code",
      "deleted_jobs"."error_class",
      "deleted_jobs"."last_error",
      "deleted_jobs"."error_stack",
      "deleted_jobs"."cancel_requested_at",
      "deleted_jobs"."cancelled_at",
      "deleted_jobs"."cancellation_reason",
      "deleted_jobs"."completion_token",
      "deleted_jobs"."failure_streak_code",
      "deleted_jobs"."failure_streak_count",
      "deleted_jobs"."quarantined_at",
      "deleted_jobs"."progress_percent",
      "deleted_jobs"."progress_message",
      "deleted_jobs"."request_id",
      "deleted_jobs"."trace_id",
      "deleted_jobs"."failure_timeline",
      "deleted_jobs"."created_at",
      "deleted_jobs"."updated_at",
      "deleted_jobs"."completed_at",
      "deleted_jobs"."quarantine_threshold",
      "deleted_jobs"."traceparent",
      $33::bigint,
      now(),
      attached.list,
      edges.list
    from deleted_jobs
    left join (
      select job_id, jsonb_agg(to_jsonb(attachments)) as list from attachments group by job_id
    ) as attached on attached.job_id = deleted_jobs.id
    left join (
      select owner, jsonb_agg(edge) as list
      from (
        select job_uuid as owner, to_jsonb(dependencies) as edge
        from dependencies
        union all
        select depends_on_job_uuid, to_jsonb(dependencies)
        from dependencies
        union all
        select job_uuid, to_jsonb(dependents)
        from dependents
        union all
        select depends_on_job_uuid, to_jsonb(dependents)
        from dependents
      ) as either
      group by owner
    ) as edges on edges.owner = deleted_jobs.uuid
  ),
  images as (
    insert into job_operation_rows (operation_id, job_id, before, after)
    select $34::bigint, id, before, after
    from (
      select id, before || jsonb_build_object('needs', needs.uuids) as before, after
      from dropped
      cross join lateral (
        select coalesce(jsonb_agg(edge.depends_on_job_uuid), '[]') as uuids
        from job_dependencies edge
        where
          edge.job_uuid = dropped.uuid
          and edge.depends_on_job_uuid in (
            select uuid from ended where ended.status in ('failed', 'cancelled', 'quarantined')
          ) offset 0
      ) as needs
    ) as changed
    on conflict (operation_id, job_id)
    where job_id is not null do update set after = excluded.after
  )
select count(*) as deleted, (select count(*) from dropped) as dependents
from deleted_jobs
