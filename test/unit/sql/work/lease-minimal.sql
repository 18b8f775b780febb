with
  gate as materialized (
    select
      exists (
        select from job_queue_controls where domain = $1 and queue = $2 and (paused or drain)
      ) as stopped,
      $3::bool
      and exists (
        select
        from jobs
        where
          (status = 'processing') is true
          and domain || chr(31) || queue = $4
          and domain = $5
          and coalesce(leased_until, '-infinity') < now()
      ) as expired,
      $6::bool
      and exists (select from jobsctl_limits where domain = $7 and queue = $8) as throttled
  ),
  picked as materialized (
    select job.id
    from gate
    cross join generate_series(1, 11) as tier (priority)
    cross join lateral (
      select id
      from (
        select id
        from jobs
        where
          (status = 'queued') is true
          and domain || chr(31) || queue = $9
          and domain = $10
          and coalesce(jobs.priority, 11) = tier.priority
          and id <= 9007199254740991
          and (id >= -9007199254740991) is true
          and job_type = any($11)
          and coalesce(available_at, created_at) <= now()
          and not exists (
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
              where edge.job_uuid = jobs.uuid offset 0
            ) as needed
            where needed.status <> 'completed' offset 0
          )
        order by coalesce(available_at, created_at), id
        limit 3
        for update skip locked
      ) as due
      union all
      select id
      from (
        select id
        from jobs
        where
          (status = 'queued') is true
          and domain || chr(31) || queue = $12
          and domain = $13
          and coalesce(jobs.priority, 11) = tier.priority
          and id <= 9007199254740991
          and (id >= -9007199254740991) is true
          and job_type = any($14)
          and coalesce(available_at, created_at) is null
          and not exists (
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
              where edge.job_uuid = jobs.uuid offset 0
            ) as needed
            where needed.status <> 'completed' offset 0
          )
        order by id
        limit 3
        for update skip locked
      ) as timeless
    ) as job
    where not gate.stopped and not gate.expired and not gate.throttled
    limit 3
  ),
  leased as (
    update jobs
    set
      worker_id = $15,
      status = 'processing',
      lease_id = gen_random_uuid()::text,
      leased_until = now() + $16::int * interval '1 second',
      acquired_at = now(),
      started_at = now(),
      progress_percent = null,
      progress_message = null,
      completion_token = null,
      completed_at = null
    where jobs.id = any(array(select id from picked)) and domain = $17
    returning
      jobs.id,
      jobs.uuid,
      jobs.domain,
      jobs.queue,
      jobs.job_type,
      jobs.status,
      jobs.priority,
      jobs.request_id,
      jobs.payload,
      jobs.owner_user_id,
      jobs.trace_id,
      (
        select (select traceparent from (select jobs.*) as own)
        from (select null::text as traceparent) as without
      ) as traceparent,
      jobs.retry_count,
      jobs.max_retries,
      jobs.worker_id,
      jobs.lease_id,
      jobs.leased_until,
      jobs.available_at,
      jobs.created_at
  ),
  inserted_events as (
    insert into job_events (job_ref, domain, queue, job_type, event_type, attrs_json, owner_user_id, request_id, trace_id)
    select id, domain, queue, job_type, event_type, attrs, owner_user_id, $18::text, trace_id
    from (
      select
        id,
        domain,
        queue,
        job_type,
        owner_user_id,
        trace_id,
        'job.acquired' as event_type,
        case num_nulls(worker_id, retry_count, leased_until) when 0 then jsonb_build_object(
          'worker_id',
          worker_id,
          'retry_count',
          retry_count,
          'leased_until',
          replace(replace(leased_until::text, ' ', 'T'), '+00', 'Z')
        ) else jsonb_strip_nulls(
          jsonb_build_object(
            'worker_id',
            worker_id,
            'retry_count',
            retry_count,
            'leased_until',
            replace(replace(leased_until::text, ' ', 'T'), '+00', 'Z')
          )
        ) end as attrs
      from leased
      order by coalesce(leased.priority, 11), coalesce(leased.available_at, leased.created_at), leased.id
    ) as event
  )
select
  gate.expired
  and not gate.stopped as expired,
  gate.throttled
  and not gate.stopped as throttled,
  case when leased.id is not null or gate.stopped or gate.expired or gate.throttled then false else exists (
    select
    from generate_series(1, 11) as tier (priority)
    cross join lateral (
      select
      from jobs
      where
        (status = 'queued') is true
        and domain || chr(31) || queue = $19
        and domain = $20
        and coalesce(jobs.priority, 11) = tier.priority
        and id <= 9007199254740991
        and (id >= -9007199254740991) is true
        and job_type = any($21)
        and coalesce(available_at, created_at) <= now()
        and exists (
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
            where edge.job_uuid = jobs.uuid offset 0
          ) as needed
          where needed.status in ('failed', 'cancelled', 'quarantined') offset 0
        )
      limit 1
    ) as waiting
  ) end as doomed,
  leased.id,
  leased.uuid,
  leased.domain,
  leased.queue,
  leased.job_type,
  leased.status,
  leased.priority,
  leased.request_id,
  leased.payload,
  leased.owner_user_id,
  leased.trace_id,
  leased.traceparent,
  leased.retry_count,
  leased.max_retries,
  leased.worker_id,
  leased.lease_id,
  leased.leased_until
from gate
left join leased on true
order by coalesce(leased.priority, 11), coalesce(leased.available_at, leased.created_at), leased.id
