with recursive
  picked as materialized (
    select id
    from jobs
    where
      jobs.id = any($1::text::bigint[])
      and (
        status <> 'processing'
        and (
          (
            age(jobs.xmin) > (select age($2::text::xid))
            or (
              (jobs.xmin::text::bigint - $3::bigint + $4::bigint) % $5::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $6::bigint
              and jobs.xmin::text::bigint <> all($7::bigint[])
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
                      (pg_inherits.xmin::text::bigint - $8::bigint + $9::bigint) % $10::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $11::bigint
                      or pg_inherits.xmin::text::bigint = any($12::bigint[])
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
        and jobs.owner_user_id = $13::text
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
          (
            age(jobs.xmin) > (select age($14::text::xid))
            or (
              (jobs.xmin::text::bigint - $15::bigint + $16::bigint) % $17::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $18::bigint
              and jobs.xmin::text::bigint <> all($19::bigint[])
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
                      (pg_inherits.xmin::text::bigint - $20::bigint + $21::bigint) % $22::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $23::bigint
                      or pg_inherits.xmin::text::bigint = any($24::bigint[])
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
        and jobs.owner_user_id = $25::text
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
              (
                age(jobs.xmin) > (select age($26::text::xid))
                or (
                  (jobs.xmin::text::bigint - $27::bigint + $28::bigint) % $29::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $30::bigint
                  and jobs.xmin::text::bigint <> all($31::bigint[])
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
                          (pg_inherits.xmin::text::bigint - $32::bigint + $33::bigint) % $34::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $35::bigint
                          or pg_inherits.xmin::text::bigint = any($36::bigint[])
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
            and jobs.owner_user_id = $37::text
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
            (
              age(jobs.xmin) > (select age($38::text::xid))
              or (
                (jobs.xmin::text::bigint - $39::bigint + $40::bigint) % $41::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $42::bigint
                and jobs.xmin::text::bigint <> all($43::bigint[])
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
                        (pg_inherits.xmin::text::bigint - $44::bigint + $45::bigint) % $46::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $47::bigint
                        or pg_inherits.xmin::text::bigint = any($48::bigint[])
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
          and jobs.owner_user_id = $49::text
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
      $50::text,
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
