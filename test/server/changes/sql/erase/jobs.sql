with recursive
  picked as materialized (
    select id
    from jobs
    where
      jobs.id = any($1::text::bigint[])
      and (
        status <> 'processing'
        and (
          age(jobs.xmin) > (select age($2::text::xid))
          or (
            (jobs.xmin::text::bigint - $3::bigint + $4::bigint) % $5::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $6::bigint
            and jobs.xmin::text::bigint <> all($7::bigint[])
          )
        )
        and jobs.owner_user_id = $8::text
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
                      and (jobs.leased_until is null or jobs.leased_until <= coalesce($9::text::timestamptz, now()))
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
                where hold.operation_id is not null and hold.until > now() and image.job_id = jobs.id offset 0
              )
            )
          )
        )
      ) is true
    for update skip locked
  ),
  erased as (
    delete from jobs
    where
      jobs.id = any(array(select id from picked))
      and (
        status <> 'processing'
        and (
          age(jobs.xmin) > (select age($10::text::xid))
          or (
            (jobs.xmin::text::bigint - $11::bigint + $12::bigint) % $13::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $14::bigint
            and jobs.xmin::text::bigint <> all($15::bigint[])
          )
        )
        and jobs.owner_user_id = $16::text
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
                      and (jobs.leased_until is null or jobs.leased_until <= coalesce($17::text::timestamptz, now()))
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
                where hold.operation_id is not null and hold.until > now() and image.job_id = jobs.id offset 0
              )
            )
          )
        )
      ) is true
    returning id, uuid, status
  ),
  deleted_jobs as (
    select
      id,
      uuid,
      case when status in ('failed', 'cancelled', 'quarantined') or status = 'completed' then status else 'cancelled' end as status
    from erased
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
        to_jsonb(
          (
            status <> 'processing'
            and (
              age(jobs.xmin) > (select age($18::text::xid))
              or (
                (jobs.xmin::text::bigint - $19::bigint + $20::bigint) % $21::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $22::bigint
                and jobs.xmin::text::bigint <> all($23::bigint[])
              )
            )
            and jobs.owner_user_id = $24::text
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
          ) is true
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
      to_jsonb(
        (
          status <> 'processing'
          and (
            age(jobs.xmin) > (select age($26::text::xid))
            or (
              (jobs.xmin::text::bigint - $27::bigint + $28::bigint) % $29::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $30::bigint
              and jobs.xmin::text::bigint <> all($31::bigint[])
            )
          )
          and jobs.owner_user_id = $32::text
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
        ) is true
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
      $34::text,
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
  )
select
  coalesce((select jsonb_agg(id) from deleted_jobs), '[]') as ids,
  coalesce((select jsonb_agg(uuid) from deleted_jobs where uuid is not null), '[]') as uuids,
  coalesce((select jsonb_agg(id) from dropped where before = 'true'), '[]') as along,
  (select count(*) from dropped where before = 'false') as dependents,
  (select count(*) from attachments) as attachments
