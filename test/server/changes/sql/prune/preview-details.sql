with
  grouped as materialized (
    select
      domain,
      queue,
      job_type,
      status,
      owner_user_id,
      grouping(owner_user_id) = 0 as by_owner,
      count(*) as count,
      min(coalesce(completed_at, cancelled_at, quarantined_at, created_at)) as oldest,
      max(coalesce(completed_at, cancelled_at, quarantined_at, created_at)) as newest,
      null::bigint[] as recent
    from jobs
    where
      status in ('completed', 'failed', 'cancelled', 'quarantined')
      and status = any($1)
      and domain = $2
      and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($3::text::timestamptz, now()) - $4::int * interval '24 hours'
      and true
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
                    and (jobs.leased_until is null or jobs.leased_until <= coalesce($5::text::timestamptz, now()))
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
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
  ),
  sampled as (
    select
      id,
      300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0) as size
    from jobs
    where
      status in ('completed', 'failed', 'cancelled', 'quarantined')
      and status = any($6)
      and domain = $7
      and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($8::text::timestamptz, now()) - $9::int * interval '24 hours'
      and true
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
                    and (jobs.leased_until is null or jobs.leased_until <= coalesce($10::text::timestamptz, now()))
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
    limit 200
  )
select
  now() as as_of,
  now() + $11::int * interval '1 second' as expires_at,
  pg_current_snapshot()::text as now,
  (select value from jobsctl_settings where name = 'preview_key') as key,
  (
    select (sum(affected) / sum(extract(epoch from ended_at - started_at)))::float8
    from (
      select affected, started_at, ended_at
      from (select * from job_operations order by id desc limit 200) as recent
      where kind = $12 and affected >= 1000 and ended_at > started_at
      limit 10
    ) as last
  ) as pace,
  (select coalesce(sum(count), 0)::bigint from grouped where not by_owner) as count,
  null as recent,
  (select min(oldest) from grouped) as oldest,
  (select max(newest) from grouped) as newest,
  (
    select coalesce(jsonb_agg(largest), '[]')
    from (
      select
        domain,
        queue,
        job_type,
        status,
        count,
        to_char(oldest at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as oldest
      from grouped
      where not by_owner
      order by count desc, domain collate "C", queue collate "C", job_type collate "C", status
      limit $13
    ) as largest
  ) as groups,
  (
    select coalesce(jsonb_agg(most), '[]')
    from (
      select owner_user_id, count
      from grouped
      where by_owner
      order by count desc, owner_user_id collate "C"
      limit $14
    ) as most
  ) as owners,
  (
    with recursive
      along (uuid, domain, queue) as (
        select dependent.uuid, dependent.domain, dependent.queue
        from (select distinct depends_on_job_uuid as uuid from job_dependencies) as needed
        cross join lateral (
          select
          from (select jobs.*, jobs.xmin from jobs where jobs.uuid = needed.uuid offset 0) as jobs
          where
            status in ('completed', 'failed', 'cancelled', 'quarantined')
            and status = any($15)
            and domain = $16
            and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($17::text::timestamptz, now()) - $18::int * interval '24 hours'
            and true
            and not (
              (select exists (select from jobsctl_holds as hold where hold.until > now() and true))
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
                          and (jobs.leased_until is null or jobs.leased_until <= coalesce($19::text::timestamptz, now()))
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
                        select
                        from jobsctl_holds as hold
                        where hold.until > now() and hold.operation_id is not null
                      )
                  )
                  and exists (
                    select
                    from jobsctl_holds as hold
                    join job_operation_rows as image on image.operation_id = hold.operation_id
                    where
                      hold.operation_id is not null
                      and hold.until > now()
                      and image.job_id = jobs.id offset 0
                  )
                )
              )
            )
            and status in ('failed', 'cancelled', 'quarantined')
        ) as ended
        cross join lateral (
          select dependent.uuid, dependent.domain, dependent.queue
          from job_dependencies edge
          cross join lateral (
            select uuid, domain, queue, status from jobs where jobs.uuid = edge.job_uuid offset 0
          ) as dependent
          where edge.depends_on_job_uuid = needed.uuid and dependent.status = 'queued' offset 0
        ) as dependent
        union
        select dependent.uuid, dependent.domain, dependent.queue
        from along
        cross join lateral (
          select dependent.uuid, dependent.domain, dependent.queue
          from job_dependencies edge
          cross join lateral (
            select uuid, domain, queue, status from jobs where jobs.uuid = edge.job_uuid offset 0
          ) as dependent
          where edge.depends_on_job_uuid = along.uuid and dependent.status = 'queued' offset 0
        ) as dependent
      )
    select count(*)
    from along
    where
      not exists (
        select
        from (select jobs.*, jobs.xmin from jobs where jobs.uuid = along.uuid offset 0) as jobs
        where
          status in ('completed', 'failed', 'cancelled', 'quarantined')
          and status = any($20)
          and domain = $21
          and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($22::text::timestamptz, now()) - $23::int * interval '24 hours'
          and true
          and not (
            (select exists (select from jobsctl_holds as hold where hold.until > now() and true))
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
                        and (jobs.leased_until is null or jobs.leased_until <= coalesce($24::text::timestamptz, now()))
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
                      select
                      from jobsctl_holds as hold
                      where hold.until > now() and hold.operation_id is not null
                    )
                )
                and exists (
                  select
                  from jobsctl_holds as hold
                  join job_operation_rows as image on image.operation_id = hold.operation_id
                  where
                    hold.operation_id is not null
                    and hold.until > now()
                    and image.job_id = jobs.id offset 0
                )
              )
            )
          )
      )
  ) as dependents,
  (
    select count(*)
    from jobs
    where
      status in ('completed', 'failed', 'cancelled', 'quarantined')
      and status = any($25)
      and domain = $26
      and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($27::text::timestamptz, now()) - $28::int * interval '24 hours'
      and (
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
                    and (jobs.leased_until is null or jobs.leased_until <= coalesce($29::text::timestamptz, now()))
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
  ) as kept_by_hold,
  (select coalesce(sum(count) filter (where true), 0)::bigint from grouped where not by_owner) as restorable,
  (
    select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint
    from sampled
  ) as bytes_estimate,
  (
    select coalesce(jsonb_agg(id), '[]')
    from (
      select id from sampled where id <= 9007199254740991 and (id >= -9007199254740991) is true limit $30
    ) as few
  ) as sample_ids,
  (
    select to_jsonb(requested)
    from (
      select
        (select '[]'::jsonb) as foreign_rows,
        (select '[]'::jsonb) as foreign_holders,
        (
          select coalesce(jsonb_agg(largest), '[]')
          from (
            select
              domain,
              queue,
              job_type,
              status,
              count(*) filter (
                where coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($31::text::timestamptz, now()) - $32::int * interval '24 hours'
                and not (
                  (select exists (select from jobsctl_holds as hold where hold.until > now() and true))
                  and (
                    (
                      (
                        select
                          exists (
                            select
                            from jobsctl_holds as hold
                            where hold.until > now() and hold.jobs is not null
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
                        owner_user_id text, batch_group text, domain text, queue text, job_type text,
                        status jsonb, worker_id text, error_code text, created_after timestamptz,
                        created_before timestamptz, ended_after timestamptz, ended_before timestamptz,
                        min_retries integer, stale boolean, error text, payload jsonb, cluster text
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
                              and (jobs.leased_until is null or jobs.leased_until <= coalesce($33::text::timestamptz, now()))
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
                            select
                            from jobsctl_holds as hold
                            where hold.until > now() and hold.operation_id is not null
                          )
                      )
                      and exists (
                        select
                        from jobsctl_holds as hold
                        join job_operation_rows as image on image.operation_id = hold.operation_id
                        where
                          hold.operation_id is not null
                          and hold.until > now()
                          and image.job_id = jobs.id offset 0
                      )
                    )
                  )
                )
              ) as count,
              count(*) filter (
                where (
                  coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($34::text::timestamptz, now()) - $35::int * interval '24 hours'
                  and not (
                    (select exists (select from jobsctl_holds as hold where hold.until > now() and true))
                    and (
                      (
                        (
                          select
                            exists (
                              select
                              from jobsctl_holds as hold
                              where hold.until > now() and hold.jobs is not null
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
                          owner_user_id text, batch_group text, domain text, queue text, job_type text,
                          status jsonb, worker_id text, error_code text, created_after timestamptz,
                          created_before timestamptz, ended_after timestamptz, ended_before timestamptz,
                          min_retries integer, stale boolean, error text, payload jsonb, cluster text
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
                                and (jobs.leased_until is null or jobs.leased_until <= coalesce($36::text::timestamptz, now()))
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
                              select
                              from jobsctl_holds as hold
                              where hold.until > now() and hold.operation_id is not null
                            )
                        )
                        and exists (
                          select
                          from jobsctl_holds as hold
                          join job_operation_rows as image on image.operation_id = hold.operation_id
                          where
                            hold.operation_id is not null
                            and hold.until > now()
                            and image.job_id = jobs.id offset 0
                        )
                      )
                    )
                  )
                ) is not true
              ) as keep,
              to_char(
                min(coalesce(completed_at, cancelled_at, quarantined_at, created_at)) filter (
                  where coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($37::text::timestamptz, now()) - $38::int * interval '24 hours'
                  and not (
                    (select exists (select from jobsctl_holds as hold where hold.until > now() and true))
                    and (
                      (
                        (
                          select
                            exists (
                              select
                              from jobsctl_holds as hold
                              where hold.until > now() and hold.jobs is not null
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
                          owner_user_id text, batch_group text, domain text, queue text, job_type text,
                          status jsonb, worker_id text, error_code text, created_after timestamptz,
                          created_before timestamptz, ended_after timestamptz, ended_before timestamptz,
                          min_retries integer, stale boolean, error text, payload jsonb, cluster text
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
                                and (jobs.leased_until is null or jobs.leased_until <= coalesce($39::text::timestamptz, now()))
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
                              select
                              from jobsctl_holds as hold
                              where hold.until > now() and hold.operation_id is not null
                            )
                        )
                        and exists (
                          select
                          from jobsctl_holds as hold
                          join job_operation_rows as image on image.operation_id = hold.operation_id
                          where
                            hold.operation_id is not null
                            and hold.until > now()
                            and image.job_id = jobs.id offset 0
                        )
                      )
                    )
                  )
                ) at time zone 'utc',
                'YYYY-MM-DD"T"HH24:MI:SS"Z"'
              ) as oldest
            from jobs
            where
              status in ('completed', 'failed', 'cancelled', 'quarantined')
              and status = any($40)
              and domain = $41
            group by domain, queue, job_type, status
            having count(*) filter (
              where coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($42::text::timestamptz, now()) - $43::int * interval '24 hours'
              and not (
                (select exists (select from jobsctl_holds as hold where hold.until > now() and true))
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
                      owner_user_id text, batch_group text, domain text, queue text, job_type text,
                      status jsonb, worker_id text, error_code text, created_after timestamptz,
                      created_before timestamptz, ended_after timestamptz, ended_before timestamptz,
                      min_retries integer, stale boolean, error text, payload jsonb, cluster text
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
                            and (jobs.leased_until is null or jobs.leased_until <= coalesce($44::text::timestamptz, now()))
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
                          select
                          from jobsctl_holds as hold
                          where hold.until > now() and hold.operation_id is not null
                        )
                    )
                    and exists (
                      select
                      from jobsctl_holds as hold
                      join job_operation_rows as image on image.operation_id = hold.operation_id
                      where
                        hold.operation_id is not null
                        and hold.until > now()
                        and image.job_id = jobs.id offset 0
                    )
                  )
                )
              )
            ) > 0
            order by count desc, domain collate "C", queue collate "C", job_type collate "C", status
            limit $45
          ) as largest
        ) as groups,
        (
          select count(*)
          from jobs
          where
            status in ('completed', 'failed', 'cancelled', 'quarantined')
            and status = any($46)
            and domain = $47
            and (
              coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($48::text::timestamptz, now()) - $49::int * interval '24 hours'
              and not (
                (select exists (select from jobsctl_holds as hold where hold.until > now() and true))
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
                      owner_user_id text, batch_group text, domain text, queue text, job_type text,
                      status jsonb, worker_id text, error_code text, created_after timestamptz,
                      created_before timestamptz, ended_after timestamptz, ended_before timestamptz,
                      min_retries integer, stale boolean, error text, payload jsonb, cluster text
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
                            and (jobs.leased_until is null or jobs.leased_until <= coalesce($50::text::timestamptz, now()))
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
                          select
                          from jobsctl_holds as hold
                          where hold.until > now() and hold.operation_id is not null
                        )
                    )
                    and exists (
                      select
                      from jobsctl_holds as hold
                      join job_operation_rows as image on image.operation_id = hold.operation_id
                      where
                        hold.operation_id is not null
                        and hold.until > now()
                        and image.job_id = jobs.id offset 0
                    )
                  )
                )
              )
            ) is not true
        ) as kept
    ) as requested
  ) as more
