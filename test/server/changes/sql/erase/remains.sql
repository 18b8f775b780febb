with
  traced as materialized (
    select jobs.id
    from (
      select
        distinct on (coalesce(jobs.job_id, -jobs.id)) coalesce(jobs.job_id, -jobs.id) as id,
        null::text,
        coalesce(domain, ''),
        coalesce(queue, ''),
        coalesce(job_type, ''),
        'gone',
        owner_user_id::text,
        null::text,
        null::text,
        null::text,
        null::text,
        created_at,
        jobs.xmin
      from job_events as jobs
      where
        jobs.owner_user_id = $1::text
        and (jobs.job_id = any($2::text[]::bigint[]) or (jobs.job_id is null and jobs.id = any($3::text[]::bigint[])))
        and queue = $4
        and (jobs.owner_user_id is not null or jobs.attrs_json::text is distinct from $5::text)
        and (
          age(jobs.xmin) > (select age($6::text::xid))
          or (
            (jobs.xmin::text::bigint - $7::bigint + $8::bigint) % $9::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $10::bigint
            and jobs.xmin::text::bigint <> all($11::bigint[])
          )
        )
        and not exists (
          select from jobs other where other.id = jobs.job_id and other.owner_user_id = $12::text offset 0
        )
        and not exists (
          select
          from jobs_archive other
          where other.id = jobs.job_id and other.owner_user_id = $13::text offset 0
        )
      order by coalesce(jobs.job_id, -jobs.id), jobs.id desc
    ) as jobs
    where jobs.id = any($14::text::bigint[]) and (jobs.id <> all($15::text[]::bigint[])) is true
  ),
  archived as (
    delete from jobs_archive as jobs
    where
      jobs.id = any($16::text::bigint[])
      and (
        (
          age(jobs.xmin) > (select age($17::text::xid))
          or (
            (jobs.xmin::text::bigint - $18::bigint + $19::bigint) % $20::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $21::bigint
            and jobs.xmin::text::bigint <> all($22::bigint[])
          )
        )
        and queue = $23
        and jobs.owner_user_id = $24::text
        and not (
          (select exists (select from jobsctl_holds as hold where hold.until > now() and true))
          and (
            exists (
              select
              from jobsctl_holds as hold
              where
                hold.operation_id is not null
                and hold.operation_id = jobs.operation_id
                and hold.until > now()
            )
            or (
              (
                select
                  exists (
                    select from jobsctl_holds as hold where hold.until > now() and hold.jobs is not null
                  )
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
                      and (jobs.leased_until is null or jobs.leased_until <= coalesce($25::text::timestamptz, now()))
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
          )
        )
      ) is true
    returning id, uuid::text as uuid
  ),
  whole as materialized (select id from archived union select unnest($26::text[]::bigint[])),
  -- An id of the archive or of an event may belong to another job by now.
  absent as materialized (
    select id
    from (select id from whole union select id from traced) as named
    where id = any($27::text[]::bigint[]) or not exists (select from jobs where jobs.id = named.id offset 0)
  ),
  row_images as (
    delete from job_operation_rows as images
    where
      images.job_id = any(array(select id from absent))
      and not (
        (select exists (select from jobsctl_holds as hold where hold.until > now() and true))
        and (
          exists (
            select
            from jobsctl_holds as hold
            where
              hold.operation_id is not null
              and hold.operation_id = images.operation_id
              and hold.until > now()
          )
          or exists (
            select
            from jobs
            where
              jobs.id = images.job_id
              and (
                (
                  (
                    select
                      exists (
                        select from jobsctl_holds as hold where hold.until > now() and hold.jobs is not null
                      )
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
                          and (jobs.leased_until is null or jobs.leased_until <= coalesce($28::text::timestamptz, now()))
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
              )
          )
        )
      )
    returning images.job_id
  ),
  attachments as (
    delete from job_attachments where job_id = any(array(select id from absent)) returning job_id
  ),
  edges as (
    delete from jobsctl_waiting_edges
    where uuid = any(array(select uuid from archived union select unnest($29::text[])))
  ),
  marks as (delete from jobsctl_worker_marks where owner_user_id = $30::text),
  events as (
    update job_events as jobs
    set owner_user_id = null, attrs_json = '{"erased": true}'
    where
      (
        jobs.job_id = any(array(select id from absent where id in (select id from whole)))
        or (
          (
            jobs.job_id = any(array(select id from whole union select id from traced))
            or (jobs.job_id is null and jobs.id = any(array(select -id from traced)))
          )
          and jobs.owner_user_id = $31::text
        )
      )
      and (jobs.owner_user_id is not null or jobs.attrs_json::text is distinct from $32::text)
    returning jobs.id
  )
select
  (select count(*) from archived) as archived,
  (select count(*) from traced) as gone,
  (select count(*) from row_images) as row_images,
  (select count(*) from attachments) as attachments,
  (select count(*) from events) as events
