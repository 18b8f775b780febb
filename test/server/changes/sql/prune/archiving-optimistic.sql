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
        age(jobs.xmin) > (select age($7::text::xid))
        or (
          (jobs.xmin::text::bigint - $8::bigint + $9::bigint) % $10::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $11::bigint
          and jobs.xmin::text::bigint <> all($12::bigint[])
        )
      )
      and not (
        (select exists (select from jobsctl_holds as hold where hold.until > now() and true))
        and (
          (
            (
              select
                exists (select from jobsctl_holds as hold where hold.until > now() and hold.jobs is not null)
            )
            and exists (
              select
              from jobsctl_held_jobs as held
              join jobsctl_holds as hold on hold.id = held.hold_id
              where held.job_id = jobs.id and hold.until > now() offset 0
            )
          )
          or exists (
            select
            from jsonb_to_recordset(
              (
                select jsonb_agg(hold.filter)
                from jobsctl_holds as hold
                where hold.filter is not null and hold.until > now()
              )
            ) as hold (
              owner_user_id text, batch_group text, domain text, queue text, job_type text, status jsonb,
              worker_id text, error_code text, created_after timestamptz, created_before timestamptz,
              ended_after timestamptz, ended_before timestamptz, min_retries integer, stale boolean,
              error text, payload jsonb, cluster text
            )
            where
              true
              and (hold.owner_user_id is null or jobs.owner_user_id::text = hold.owner_user_id)
              and (hold.batch_group is null or jobs.batch_group::text = hold.batch_group)
              and (hold.domain is null or jobs.domain::text = hold.domain)
              and (hold.queue is null or jobs.queue::text = hold.queue)
              and (hold.job_type is null or jobs.job_type::text = hold.job_type)
              and (hold.status is null or hold.status ? jobs.status::text)
              and (hold.worker_id is null or jobs.worker_id::text = hold.worker_id)
              and (hold.error_code is null or jobs.error_code::text = hold.error_code)
              and (hold.created_after is null or jobs.created_at >= hold.created_after)
              and (hold.created_before is null or jobs.created_at < hold.created_before)
              and (
                hold.ended_after is null
                or coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at) >= hold.ended_after
              )
              and (
                hold.ended_before is null
                or coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at) < hold.ended_before
              )
              and (hold.min_retries is null or jobs.retry_count >= hold.min_retries)
              and (
                hold.stale is null
                or (
                  (
                    jobs.status = 'processing'
                    and (jobs.leased_until is null or jobs.leased_until <= coalesce($13::text::timestamptz, now()))
                  ) is true
                ) = hold.stale
              )
              and (
                hold.error is null
                or (
                  strpos(lower(jobs.error_message), lower(hold.error)) > 0
                  or strpos(lower(jobs.last_error), lower(hold.error)) > 0
                )
              )
              and (
                hold.payload is null
                or not exists (
                  select
                  from jsonb_array_elements(hold.payload) as part
                  where
                    (jobs.payload #>> array(select jsonb_array_elements_text(part -> 'path'))) is distinct from part ->> 'value'
                )
              )
              and (
                hold.cluster is null
                or case when ((jobs.status in ('failed', 'quarantined') or jobs.status = 'queued' and jobs.retry_count > 0)) is not true then false when not starts_with(hold.cluster, 'v1-') then true else left(
                  encode(
                    sha256(
                      convert_to(
                        case jobs.status when 'queued' then 'retrying' else jobs.status end || chr(31) || coalesce(jobs.error_code, jobs.failure_streak_code, '') || chr(31) || btrim(
                          regexp_replace(
                            regexp_replace(
                              regexp_replace(
                                regexp_replace(
                                  regexp_replace(
                                    (
                                      left(
                                        case jobs.status when 'queued' then coalesce(jobs.last_error, jobs.error_message, '') else coalesce(jobs.error_message, jobs.last_error, '') end,
                                        1000
                                      )
                                    ) collate "C",
                                    '"[^"]*"|`[^`]*`|(?<!\w)''[^'']*''(?!\w)',
                                    '<text>',
                                    'g'
                                  ),
                                  '[A-Za-z][A-Za-z0-9+.-]*://[^[:space:]"<>]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+|\m(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{1,4}\M',
                                  '<address>',
                                  'g'
                                ),
                                '(?<![\w<])(?:[A-Za-z]:)?[~.]*[/\\][\w.@%+~:/\\-]+|[\w.@+~-]+(?:[/\\][\w.@+~-]+){2,}',
                                '<path>',
                                'g'
                              ),
                              '\m(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|0x[0-9a-fA-F]+|[0-9a-fA-F]{7,})\M',
                              '#',
                              'g'
                            ),
                            '[0-9]+(?:[.,:][0-9]+)*',
                            '#',
                            'g'
                          ),
                          E' \t\r\n'
                        ),
                        'UTF8'
                      )
                    ),
                    'hex'
                  ),
                  12
                ) = right(hold.cluster, 12) end
              )
          )
          or (
            (
              select
                exists (
                  select from jobsctl_holds as hold where hold.until > now() and hold.operation_id is not null
                )
            )
            and exists (
              select
              from jobsctl_holds as hold
              join job_operation_rows as image on image.operation_id = hold.operation_id
              where hold.operation_id is not null and hold.until > now() and image.job_id = jobs.id offset 0
            )
          )
        )
      )
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
      $14::text,
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
      "created_at", "updated_at", "completed_at", "quarantine_threshold", operation_id, archived_at,
      job_attachments, job_dependencies
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
      $15::bigint,
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
    select $16::bigint, id, before, after
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
    on conflict (operation_id, job_id) do update set after = excluded.after
  )
select count(*) as deleted, (select count(*) from dropped) as dependents
from deleted_jobs
