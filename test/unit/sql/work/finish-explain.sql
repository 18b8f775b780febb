select
  request.id,
  job.status,
  earlier.event_type,
  coalesce(earlier.retry_count, job.retry_count) as retry_count,
  earlier.available_at,
  coalesce(
    job.lease_id = request.lease_id
    and job.worker_id = request.worker_id
    and job.completion_token = request.completion_token
    and job.status = case request.action when 'complete' then 'completed' when 'fail' then 'failed' when 'cancel' then 'cancelled' end,
    false
  ) as same,
  coalesce(job.lease_id = request.lease_id and (job.completion_token is not null or job.status = 'completed'), false) as otherwise
from jsonb_to_recordset($1::text::jsonb) as request (id bigint, action text, worker_id text, lease_id text, completion_token text, finish text)
left join lateral (
  select status, worker_id, lease_id, completion_token, retry_count
  from jobs
  where jobs.id = request.id offset 0
) as job on true
left join lateral (
  select
    event_type,
    (attrs_json ->> 'retry_count')::int as retry_count,
    attrs_json ->> 'available_at' as available_at
  from job_events
  where job_id = request.id and attrs_json ->> 'finish' = request.finish
  limit 1
) as earlier on true
