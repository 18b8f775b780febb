with
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
      and not (select exists (select from job_dependencies) or exists (select from job_attachments))
    returning jobs.*
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
      archived_at
    )
    overriding system value
    select
      "id",
      "uuid",
      "domain",
      "queue",
      "job_type",
      "owner_user_id",
      "project_id",
      "batch_group",
      "idempotency_key",
      "payload",
      "result",
      "status",
      "priority",
      "max_retries",
      "retry_count",
      "available_at",
      "started_at",
      "acquired_at",
      "leased_until",
      "lease_id",
      "worker_id",
      "error_message",
      "error_code",
      "error_class",
      "last_error",
      "error_stack",
      "cancel_requested_at",
      "cancelled_at",
      "cancellation_reason",
      "completion_token",
      "failure_streak_code",
      "failure_streak_count",
      "quarantined_at",
      "progress_percent",
      "progress_message",
      "request_id",
      "trace_id",
      "failure_timeline",
      "created_at",
      "updated_at",
      "completed_at",
      "quarantine_threshold",
      "traceparent",
      $18::bigint,
      now()
    from deleted_jobs
  )
select count(*) as deleted
from deleted_jobs
