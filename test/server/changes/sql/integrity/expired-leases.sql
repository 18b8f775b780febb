with recursive
  attempt as materialized (
    select
      id,
      retry_count,
      max_retries,
      failure_streak_code,
      failure_streak_count,
      cancel_requested_at,
      job.domain,
      job.queue,
      job.quarantine_threshold,
      lease_owner,
      case when $1::bool and policy = 'consume_retry' then 'expire' else 'reclaim' end as action,
      null::text as completion_token,
      null::text as finish,
      null::jsonb as result,
      'lease_expired' as error,
      'lease_expired' as error_code,
      null::text as error_class,
      null::jsonb as error_stack,
      true as retryable,
      0::float8 as backoff_seconds,
      null::float8 as delay_seconds,
      null as reason
    from (
      select null::int as quarantine_threshold, 'consume_retry'::text as expired_lease_policy
    ) as without_policies
    cross join lateral (
      select
        id, retry_count, max_retries, failure_streak_code, failure_streak_count, cancel_requested_at,
        worker_id as lease_owner, domain, queue, quarantine_threshold, expired_lease_policy as policy
      from jobs
      where
        jobs.id = any($2::text::bigint[])
        and (
          (
            status = 'processing'
            and leased_until < coalesce($3::text::timestamptz, now())
            or status = 'processing'
            and leased_until is null
          )
          and (
            (
              age(jobs.xmin) > (select age($4::text::xid))
              or (
                (jobs.xmin::text::bigint - $5::bigint + $6::bigint) % $7::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $8::bigint
                and jobs.xmin::text::bigint <> all($9::bigint[])
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
                        (pg_inherits.xmin::text::bigint - $10::bigint + $11::bigint) % $12::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $13::bigint
                        or pg_inherits.xmin::text::bigint = any($14::bigint[])
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
          and domain = $15
          and job_type = $16
        ) is true
      limit 3
      for update skip locked
    ) as job
  ),
  counted as (
    select
      attempt.*,
      coalesce(retry_count, 0) >= coalesce(max_retries, 3) as exhausted,
      case when error_code is null then 0 when failure_streak_code = error_code then least(coalesce(failure_streak_count, 0), 1000000) + 1 else 1 end as streak,
      least($17, coalesce(backoff_seconds, 1) * power(2, least(coalesce(retry_count, 0), 100))) as wait
    from attempt
  ),
  decided as materialized (
    select
      counted.*,
      case when action = 'complete' then 'completed' when action = 'cancel' then 'cancelled' when action = 'fail' and not retryable then 'failed' when action not in ('release', 'reclaim') and streak > 0 and streak >= nullif(
        coalesce(
          counted.quarantine_threshold,
          (
            select of_queue.quarantine_threshold
            from jobsctl_queues as of_queue
            where of_queue.domain = counted.domain and of_queue.queue = counted.queue
          ),
          $18::int
        ),
        0
      ) then 'quarantined' when action not in ('release', 'reclaim') and exhausted then 'failed'
      -- A job whose cancellation was requested does not start again.
      when cancel_requested_at is not null then 'cancelled' else 'queued' end as outcome,
      -- The jitter is added to the wait, so that jobs which failed together do not come back together.
      case action when 'fail' then least($19, wait + random() * wait) when 'release' then coalesce(delay_seconds, 0) else 0 end as delay
    from counted
    cross join jsonb_array_elements('[null]') as not_few
  ),
  settled as (
    update jobs
    set
      status = decided.outcome,
      result = case decided.action when 'complete' then decided.result else jobs.result::jsonb end,
      completed_at = case when decided.outcome in ('completed', 'failed') then now() end,
      cancelled_at = case decided.outcome when 'cancelled' then now() else jobs.cancelled_at end,
      cancellation_reason = case decided.action when 'cancel' then decided.reason else jobs.cancellation_reason end,
      quarantined_at = case decided.outcome when 'quarantined' then now() end,
      available_at = case when decided.outcome = 'queued' and (decided.action in ('fail', 'expire') or decided.delay > 0) then now() + decided.delay * interval '1 second' else jobs.available_at end,
      retry_count = case when decided.action in ('fail', 'expire') and decided.outcome <> 'failed' and not decided.exhausted then coalesce(jobs.retry_count, 0) + 1 else jobs.retry_count end,
      failure_streak_code = case when decided.action = 'complete' then null when decided.action in ('release', 'reclaim', 'cancel') then jobs.failure_streak_code else decided.error_code end,
      failure_streak_count = case when decided.action = 'complete' then 0 when decided.action in ('release', 'reclaim', 'cancel') then jobs.failure_streak_count else decided.streak end,
      error_message = case when decided.action = 'complete' then null
      -- The reason of an earlier failure says more than the disappearance of the worker.
      when decided.action in ('release', 'reclaim', 'cancel') or decided.action = 'expire' and decided.outcome in ('queued', 'cancelled') then jobs.error_message else decided.error end,
      error_code = case when decided.action = 'complete' then null when decided.action in ('release', 'reclaim', 'cancel') then jobs.error_code else decided.error_code end,
      error_class = case when decided.action = 'complete' then null when decided.action in ('release', 'reclaim', 'cancel') then jobs.error_class else decided.error_class end,
      error_stack = case when decided.action = 'complete' then null when decided.action in ('release', 'reclaim', 'cancel') then jobs.error_stack::jsonb else decided.error_stack end,
      last_error = case when decided.action in ('fail', 'expire') then decided.error else jobs.last_error end,
      failure_timeline = case when decided.action in ('fail', 'expire') then (
        select jsonb_agg(failure order by nth)
        from (
          select failure, nth
          from jsonb_array_elements(
            case jsonb_typeof(jobs.failure_timeline::jsonb) when 'array' then jobs.failure_timeline::jsonb else '[]' end || jsonb_build_object(
              'ts',
              to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
              'error_code',
              decided.error_code,
              'retry_backoff',
              case decided.outcome when 'queued' then round(decided.delay::numeric, 3) end
            )
          )
          with ordinality as entry (failure, nth)
          order by nth desc
          limit 20
        ) as latest
      ) else jobs.failure_timeline::jsonb end,
      completion_token = case decided.outcome when 'queued' then null else decided.completion_token end,
      leased_until = null,
      -- On an ended job the two name the worker that ran it; on another job they would look like a lease.
      lease_id = case when decided.outcome in ('queued', 'quarantined') then null else jobs.lease_id end,
      worker_id = case when decided.outcome in ('queued', 'quarantined') then null else jobs.worker_id end
    from decided
    where jobs.id = any(array(select id from decided)) and jobs.id = decided.id
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
      jobs.error_code,
      jobs.cancellation_reason,
      case jobs.status when 'queued' then jobs.available_at end as available_at,
      decided.action,
      decided.finish,
      decided.delay,
      decided.lease_owner
  ),
  ended as (select uuid, status from settled),
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
      jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
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
      $20::text,
      trace_id
    from (
      select
        id,
        domain,
        queue,
        job_type,
        owner_user_id,
        trace_id,
        case when status <> 'queued' then 'job.' || status when action = 'fail' then 'job.retry_scheduled' when action = 'release' then 'job.released' when action = 'reclaim' then 'job.reclaimed' else 'job.lease_expired' end as event_type,
        jsonb_build_object(
          'worker_id',
          lease_owner,
          'retry_count',
          retry_count,
          'error_code',
          case when action in ('fail', 'expire') then error_code end,
          'backoff_seconds',
          case when action = 'fail' and status = 'queued' then round(delay::numeric, 3) end,
          'reason',
          case status when 'cancelled' then cancellation_reason end,
          'available_at',
          replace(replace(available_at::text, ' ', 'T'), '+00', 'Z'),
          'finish',
          finish
        ) as attrs
      from settled
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
  ),
  notified as (
    select pg_notify($21, case when octet_length(keys) < 7900 then keys else '' end)
    from (
      select jsonb_agg(distinct jsonb_build_array(domain, queue))::text as keys
      from (
        select domain, queue
        from settled
        where status = 'queued'
        union all
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
        where settled.status = 'completed'
      ) as ready
    ) as notification
    where keys is not null
  )
select id, status, retry_count, available_at, (select count(*) from dropped) as dependents
from settled
left join notified on true
