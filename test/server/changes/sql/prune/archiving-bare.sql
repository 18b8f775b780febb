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
      "created_at", "updated_at", "completed_at", "quarantine_threshold", operation_id, archived_at
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
      $14::bigint,
      now()
    from deleted_jobs
  )
select count(*) as deleted
from deleted_jobs
