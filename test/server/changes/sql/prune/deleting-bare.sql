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
    (
      age(jobs.xmin) > (select age($7::text::xid))
      or (
        (jobs.xmin::text::bigint - $8::bigint + $9::bigint) % $10::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $11::bigint
        and jobs.xmin::text::bigint <> all($12::bigint[])
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
                (pg_inherits.xmin::text::bigint - $13::bigint + $14::bigint) % $15::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $16::bigint
                or pg_inherits.xmin::text::bigint = any($17::bigint[])
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
  and not (select exists (select from job_dependencies) or exists (select from job_attachments))
