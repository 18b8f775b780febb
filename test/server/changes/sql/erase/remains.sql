with
  traced as materialized (
    select jobs.id
    from (
      select
        distinct on (coalesce(jobs.job_id, (-jobs.id)::bigint)) coalesce(jobs.job_id, (-jobs.id)::bigint) as id,
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
        and (jobs.job_id = any($2::text::bigint[]) or (jobs.job_id is null and jobs.id = any($3::text[]::bigint[])))
        and queue = $4
        and (jobs.owner_user_id is not null or jobs.attrs_json::text is distinct from $5::text)
        and (
          (
            age(jobs.xmin) > (select age($6::text::xid))
            or (
              (jobs.xmin::text::bigint - $7::bigint + $8::bigint) % $9::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $10::bigint
              and jobs.xmin::text::bigint <> all($11::bigint[])
            )
          )
          and jobs.tableoid <> all(
            array(
              with recursive
                parts (part, is_attached) as (
                  select to_regclass('' || 'job_events')::oid, false
                  union all
                  select
                    inhrelid,
                    is_attached
                    or (
                      (pg_inherits.xmin::text::bigint - $12::bigint + $13::bigint) % $14::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $15::bigint
                      or pg_inherits.xmin::text::bigint = any($16::bigint[])
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
        and not exists (
          select from jobs other where other.id = jobs.job_id and other.owner_user_id = $17::text offset 0
        )
        and not exists (
          select
          from jobs_archive other
          where other.id = jobs.job_id and other.owner_user_id = $18::text offset 0
        )
      order by coalesce(jobs.job_id, (-jobs.id)::bigint), jobs.id desc
    ) as jobs
    where jobs.id = any($19::text::bigint[]) and (jobs.id <> all($20::text::bigint[])) is true
  ),
  archived as (
    delete from jobs_archive as jobs
    where
      jobs.id = any($21::text::bigint[])
      and (
        (
          (
            age(jobs.xmin) > (select age($22::text::xid))
            or (
              (jobs.xmin::text::bigint - $23::bigint + $24::bigint) % $25::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $26::bigint
              and jobs.xmin::text::bigint <> all($27::bigint[])
            )
          )
          and jobs.tableoid <> all(
            array(
              with recursive
                parts (part, is_attached) as (
                  select to_regclass('' || 'jobs_archive')::oid, false
                  union all
                  select
                    inhrelid,
                    is_attached
                    or (
                      (pg_inherits.xmin::text::bigint - $28::bigint + $29::bigint) % $30::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $31::bigint
                      or pg_inherits.xmin::text::bigint = any($32::bigint[])
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
        and queue = $33
        and jobs.owner_user_id = $34::text
      ) is true
    returning id, uuid::text as uuid
  ),
  whole as materialized (select id from archived union select unnest($35::text::bigint[])),
  -- An id of the archive or of an event may belong to another job by now.
  absent as materialized (
    select id
    from (select id from whole union select id from traced) as named
    where id = any($36::text::bigint[]) or not exists (select from jobs where jobs.id = named.id offset 0)
  ),
  row_images as (
    delete from job_operation_rows as images
    where images.job_id = any(array(select id from absent))
    returning images.operation_id
  ),
  attachments as (
    delete from job_attachments where job_id = any(array(select id from absent)) returning job_id
  ),
  edges as (
    delete from jobsctl_waiting_edges
    where uuid = any(array(select uuid from archived union select unnest($37::text[])))
  ),
  marks as (delete from jobsctl_worker_marks where owner_user_id = $38::text),
  asked as (update jobsctl_agent_calls set filter = $39 where strpos(filter, to_json($40::text)::text) > 0),
  events as (
    update job_events as jobs
    set owner_user_id = null, attrs_json = '{"erased": true}'
    where
      (
        jobs.job_id = any(array(select id from absent where id in (select id from whole)))
        or (
          (
            jobs.job_id = any(array(select id from whole union select id from traced))
            or (
              jobs.job_id is null
              and jobs.id = any(array(select -id::text::bigint from traced where id::text ~ '^-[0-9]+$'))
            )
          )
          and jobs.owner_user_id = $41::text
        )
      )
      and (jobs.owner_user_id is not null or jobs.attrs_json::text is distinct from $42::text)
    returning jobs.id
  )
select
  (select count(*) from archived) as archived,
  (select count(*) from traced) as gone,
  (select count(*) from row_images) as row_images,
  (select count(*) from attachments) as attachments,
  (select count(*) from events) as events
