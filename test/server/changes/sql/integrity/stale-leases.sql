with
  picked as materialized (
    select id
    from jobs
    where
      jobs.id = any($1::text::bigint[])
      and (
        (
          (status <> 'processing' and leased_until is not null)
          or (status = 'queued' and (lease_id is not null or worker_id is not null))
        )
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
        and domain = $13
      ) is true
    for update skip locked
  )
update jobs
set leased_until = null, lease_id = null, worker_id = null
where jobs.id = any(array(select id from picked))
