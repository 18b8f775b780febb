with
  deleted_jobs as (
    delete from jobs
    where
      jobs.id = any($1::text::bigint[])
      and (
        status in ('completed', 'failed', 'cancelled', 'quarantined')
        and status = any($2)
        and domain = $3
        and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($4::text::timestamptz, now()) - $5::int * interval '24 hours'
        and (
          age(jobs.xmin) > (select age($6::text::xid))
          or (
            (jobs.xmin::text::bigint - $7::bigint + $8::bigint) % $9::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $10::bigint
            and jobs.xmin::text::bigint <> all($11::bigint[])
          )
        )
      ) is true
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
      "created_at", "updated_at", "completed_at", operation_id, archived_at
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
      $12::bigint,
      now()
    from deleted_jobs
  )
select count(*) as deleted
from deleted_jobs
