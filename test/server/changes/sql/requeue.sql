with recursive
  picked as materialized (
    select
      id,
      uuid,
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
    where
      jobs.id = any($1::text::bigint[])
      and (
        status = 'quarantined'
        and domain = $2
        and (
          (
            age(jobs.xmin) > (select age($3::text::xid))
            or (
              (jobs.xmin::text::bigint - $4::bigint + $5::bigint) % $6::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $7::bigint
              and jobs.xmin::text::bigint <> all($8::bigint[])
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
                      (pg_inherits.xmin::text::bigint - $9::bigint + $10::bigint) % $11::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $12::bigint
                      or pg_inherits.xmin::text::bigint = any($13::bigint[])
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
  updated as (
    update jobs
    set
      status = 'queued',
      available_at = now(),
      retry_count = 0,
      failure_streak_code = null,
      failure_streak_count = 0,
      quarantined_at = null,
      leased_until = null,
      lease_id = null,
      worker_id = null,
      completed_at = null,
      completion_token = null,
      cancel_requested_at = null,
      cancelled_at = null,
      cancellation_reason = null
    where jobs.id = any(array(select id from picked))
    returning
      jobs.id,
      jobs.domain,
      jobs.queue,
      jobs.job_type,
      jobs.owner_user_id,
      jobs.trace_id,
      '{}'::jsonb as attrs,
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
  runnable_again as (select uuid from picked),
  along (uuid) as (
    select dependent.uuid
    from runnable_again
    cross join lateral (
      select dependent.uuid
      from job_dependencies edge
      cross join lateral (
        select uuid, status, cancellation_reason, cancel_requested_at
        from jobs
        where jobs.uuid = edge.job_uuid offset 0
      ) as dependent
      where
        edge.depends_on_job_uuid = runnable_again.uuid
        and dependent.status = 'cancelled'
        and dependent.cancel_requested_at is null
        and dependent.cancellation_reason in ('dependency_failed', 'dependency_cancelled', 'dependency_quarantined') offset 0
    ) as dependent
    union
    select dependent.uuid
    from along
    cross join lateral (
      select dependent.uuid
      from job_dependencies edge
      cross join lateral (
        select uuid, status, cancellation_reason, cancel_requested_at
        from jobs
        where jobs.uuid = edge.job_uuid offset 0
      ) as dependent
      where
        edge.depends_on_job_uuid = along.uuid
        and dependent.status = 'cancelled'
        and dependent.cancel_requested_at is null
        and dependent.cancellation_reason in ('dependency_failed', 'dependency_cancelled', 'dependency_quarantined') offset 0
    ) as dependent
  ),
  blocked (uuid) as (
    select along.uuid
    from along
    where
      exists (
        select
        from (select 'completed'::text as depends_on_terminal_status) as without_snapshot
        cross join lateral (
          select
            edge.depends_on_job_uuid as uuid,
            coalesce(live.status, depends_on_terminal_status, 'missing') as status,
            live.domain,
            live.queue,
            live.job_type,
            live.status is not null as is_live
          from job_dependencies edge
          left join lateral (
            select coalesce(job.status, 'unknown') as status, job.domain, job.queue, job.job_type
            from jobs as job
            where job.uuid = edge.depends_on_job_uuid offset 0
          ) as live on true
          where edge.job_uuid = along.uuid offset 0
        ) as needed
        where
          needed.status in ('failed', 'cancelled', 'quarantined')
          and not exists (select from runnable_again where runnable_again.uuid = needed.uuid)
          and not exists (select from along other where other.uuid = needed.uuid) offset 0
      )
    union
    select along.uuid
    from blocked
    join job_dependencies edge on edge.depends_on_job_uuid = blocked.uuid
    join along on along.uuid = edge.job_uuid
  ),
  reviving as materialized (
    select job.id, job.before
    from (select uuid from along except select uuid from blocked) as free
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
      where jobs.uuid = free.uuid offset 0
      for update
    ) as job
    where job.status = 'cancelled'
  ),
  revived as (
    update jobs
    set status = 'queued', cancelled_at = null, cancellation_reason = null
    from reviving
    where jobs.id = any(array(select id from reviving)) and jobs.id = reviving.id
    returning
      jobs.id,
      jobs.domain,
      jobs.queue,
      jobs.job_type,
      jobs.owner_user_id,
      jobs.trace_id,
      reviving.before,
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
  row_images as (
    insert into job_operation_rows (operation_id, job_id, before, after)
    select $14::bigint, id, before, after
    from (
      select id, before, after
      from (
        select picked.id, before, after from picked full join updated on updated.id = picked.id offset 0
      ) as either
      where after is not null
      union all
      select id, before, after
      from revived
    ) as changed
    on conflict (operation_id, job_id)
    where job_id is not null do update set after = excluded.after
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
      $15::text,
      trace_id
    from (
      select id, domain, queue, job_type, owner_user_id, trace_id, $16::text as event_type, attrs
      from updated
      union all
      select id, domain, queue, job_type, owner_user_id, trace_id, 'job.revived', '{}'::jsonb
      from revived
    ) as event
  ),
  notified as (
    select pg_notify($17, case when octet_length(keys) < 7900 then keys else '' end)
    from (
      select jsonb_agg(distinct jsonb_build_array(domain, queue))::text as keys
      from (select domain, queue from updated union all select domain, queue from revived) as ready
    ) as notification
    where keys is not null
  )
select (select count(*) from updated) as affected, (select count(*) from revived) as dependents
from (select) as once
left join notified on true
