with
  request as materialized (
    select *
    from jsonb_to_recordset($1::text::jsonb) as item (id bigint, worker_id text, lease_id text, lease_seconds int, progress_percent real, progress_message text)
    order by id
  ),
  owned as materialized (
    select job.id, request.lease_seconds, request.progress_percent, request.progress_message
    from request
    cross join lateral (
      select
        id, status, lease_id, worker_id, retry_count, max_retries, failure_streak_code, failure_streak_count,
        cancel_requested_at
      from jobs
      where jobs.id = request.id offset 0
      for update
    ) as job
    cross join jsonb_array_elements('[null]') as not_few
    where job.status = 'processing' and job.lease_id = request.lease_id and job.worker_id = request.worker_id
  ),
  renewed as (
    update jobs
    -- An undo of the request to end the job sees by the new time that the worker has heard of it.
    set
      leased_until = greatest(
        leased_until + case when cancel_requested_at is null then interval '0' else interval '1 microsecond' end,
        now() + owned.lease_seconds * interval '1 second'
      ),
      progress_percent = coalesce(owned.progress_percent, jobs.progress_percent),
      progress_message = coalesce(owned.progress_message, jobs.progress_message)
    from owned
    where jobs.id = any(array(select id from owned)) and jobs.id = owned.id
    returning jobs.id, jobs.leased_until, jobs.cancel_requested_at is not null as cancel_requested
  )
select request.id, renewed.leased_until, coalesce(renewed.cancel_requested, false) as cancel_requested
from request
cross join lateral (select from jobs where jobs.id = request.id offset 0) as known
left join renewed on renewed.id = request.id
