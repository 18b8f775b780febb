select request.n, job.*
from jsonb_to_recordset($1::text::jsonb) as request (n int, domain text, queue text, job_type text, idempotency_key text)
cross join lateral (
  select
    jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.project_id,
    jobs.batch_group, jobs.idempotency_key, jobs.payload, jobs.result, jobs.status, jobs.priority,
    jobs.max_retries, jobs.retry_count, jobs.available_at, jobs.started_at, jobs.acquired_at,
    jobs.leased_until, jobs.lease_id, jobs.worker_id, jobs.error_message, jobs.error_code, jobs.error_class,
    jobs.last_error, jobs.error_stack, jobs.cancel_requested_at, jobs.cancelled_at, jobs.cancellation_reason,
    jobs.failure_streak_code, jobs.failure_streak_count, jobs.quarantined_at, jobs.progress_percent,
    jobs.progress_message, jobs.request_id, jobs.trace_id, jobs.failure_timeline, jobs.created_at,
    jobs.updated_at, jobs.completed_at
  from jobs
  where
    jobs.domain = request.domain
    and jobs.queue = request.queue
    and jobs.job_type = request.job_type
    and jobs.idempotency_key = request.idempotency_key offset 0
) as job
