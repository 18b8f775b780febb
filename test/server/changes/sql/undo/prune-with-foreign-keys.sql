with
  picked as materialized (
    select jobs.*, jobs.ctid as jobsctl_tid
    from jobs_archive as jobs
    where
      operation_id = $1::bigint
      and jobs.id = any($2::text::bigint[])
      and (
        (
          case when (jobs.status in ('completed', 'failed', 'cancelled', 'quarantined')) is not true then 'its archived row has a status that no prune takes: somebody has changed the row' when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken' when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken' when exists (
            select
            from jobs live
            where
              live.domain = jobs.domain
              and live.queue = jobs.queue
              and live.job_type = jobs.job_type
              and live.idempotency_key = jobs.idempotency_key offset 0
          ) then 'its idempotency key was used again' end
        ) is null
        and (true and domain = $3) is true
      ) is true
    for update skip locked
  ),
  restored as (
    insert into jobs (
      "id", "uuid", "domain", "queue", "job_type", "owner_user_id", "project_id", "batch_group",
      "idempotency_key", "payload", "result", "status", "priority", "max_retries", "retry_count",
      "available_at", "started_at", "acquired_at", "leased_until", "lease_id", "worker_id", "error_message",
      "error_code", "error_class", "last_error", "error_stack", "cancel_requested_at", "cancelled_at",
      "cancellation_reason", "completion_token", "failure_streak_code", "failure_streak_count",
      "quarantined_at", "progress_percent", "progress_message", "request_id", "trace_id", "failure_timeline",
      "created_at", "updated_at", "completed_at", "quarantine_threshold", "traceparent"
    )
    overriding system value
    select
      "picked"."id", "picked"."uuid", "picked"."domain", "picked"."queue", "picked"."job_type",
      "picked"."owner_user_id", "picked"."project_id", "picked"."batch_group", "picked"."idempotency_key",
      "picked"."payload", "picked"."result", "picked"."status", "picked"."priority", "picked"."max_retries",
      "picked"."retry_count", "picked"."available_at", "picked"."started_at", "picked"."acquired_at",
      "picked"."leased_until", "picked"."lease_id", "picked"."worker_id", "picked"."error_message",
      "picked"."error_code", "picked"."error_class", "picked"."last_error", "picked"."error_stack",
      "picked"."cancel_requested_at", "picked"."cancelled_at", "picked"."cancellation_reason",
      "picked"."completion_token", "picked"."failure_streak_code", "picked"."failure_streak_count",
      "picked"."quarantined_at", "picked"."progress_percent", "picked"."progress_message",
      "picked"."request_id", "picked"."trace_id", "picked"."failure_timeline", "picked"."created_at",
      "picked"."updated_at", "picked"."completed_at", "picked"."quarantine_threshold", "picked"."traceparent"
    from picked
    on conflict do nothing
    returning id, coalesce(uuid::text, '')
  ),
  -- IN hashes the identities: a join would be a nested loop where the planner underestimates the batch.
  restored_rows as materialized (
    select * from picked where ((id, coalesce(uuid::text, '')) in (select * from restored)) is true
  ),
  -- In a partitioned table, another partition may have a row with the same ctid.
  unarchived as (
    delete from jobs_archive
    where
      ctid = any(array(select jobsctl_tid from restored_rows))
      and (operation_id = $4::bigint) is true
      and ((id, coalesce(uuid::text, '')) in (select id, coalesce(uuid::text, '') from restored_rows)) is true
  ),
  attachments as (
    insert into job_attachments ("id", "job_id", "kind", "content_text", "url", "created_at")
    overriding system value
    select
      "attached"."id",
      "attached"."job_id",
      "attached"."kind",
      "attached"."content_text",
      "attached"."url",
      coalesce("attached"."created_at", now())
    from restored_rows
    cross join lateral jsonb_populate_recordset(null::job_attachments, restored_rows.job_attachments) as attached
    on conflict do nothing
  ),
  released_edges as (
    delete from jobsctl_waiting_edges
    where uuid = any(array(select uuid::text from restored_rows))
    returning edge
  ),
  edges as materialized (
    select distinct on (edge.job_uuid, edge.depends_on_job_uuid) edge.*
    from (
      select jsonb_array_elements(job_dependencies) as edge, uuid::text as of_job
      from restored_rows
      union all
      select edge, null
      from released_edges
    ) as kept
    cross join lateral jsonb_populate_record(null::job_dependencies, kept.edge) as edge
    where (kept.of_job is null or kept.of_job in (edge.job_uuid::text, edge.depends_on_job_uuid::text))
  ),
  needed as materialized (
    select uuid
    from jobs as live
    where live.uuid = any(array(select depends_on_job_uuid from edges))
    order by id
    for key share
  ),
  held_edges as (
    insert into jobsctl_waiting_edges (uuid, edge)
    select missing.uuid::text, to_jsonb(edge)
    from edges as edge
    cross join lateral (
      select ends.uuid
      from (values (edge.job_uuid), (edge.depends_on_job_uuid)) as ends (uuid)
      where
        not (
          ends.uuid in (select uuid from restored_rows)
          or exists (select from jobs live where live.uuid = ends.uuid offset 0)
        )
    ) as missing
    on conflict do nothing
  ),
  hold as (
    insert into jobsctl_holds as known (undo_id, jobs, until, reason, caller, place)
    select
      $5::bigint,
      count(*),
      greatest(
        coalesce($6::text::timestamptz, now() + $7::int * interval '24 hours'),
        (select max(hold.until) from jobsctl_holds as hold where hold.operation_id = $8::bigint)
      ),
      $9::text,
      $10::text,
      $11::text
    from (select distinct id from restored) as given_back
    having count(*) > 0
    on conflict (undo_id) do update set jobs = known.jobs + excluded.jobs
    returning id
  ),
  held as (
    insert into jobsctl_held_jobs (hold_id, job_id)
    select hold.id, given_back.id
    from hold
    cross join (select distinct id from restored) as given_back
  ),
  dependencies as (
    insert into job_dependencies ("job_uuid", "depends_on_job_uuid", "created_at")
    select "edge"."job_uuid", "edge"."depends_on_job_uuid", "edge"."created_at"
    from edges as edge
    where
      not exists (
        select ends.uuid
        from (values (edge.job_uuid), (edge.depends_on_job_uuid)) as ends (uuid)
        where
          not (
            ends.uuid in (select uuid from restored_rows)
            or exists (select from jobs live where live.uuid = ends.uuid offset 0)
          )
      )
    on conflict do nothing
  )
select
  (select count(*) from restored) as affected,
  (
    select coalesce(jsonb_agg(id), '[]')
    from picked
    where ((id, coalesce(uuid::text, '')) in (select * from restored)) is not true
  ) as failed
