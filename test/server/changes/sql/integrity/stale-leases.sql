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
              select part::oid
              from pg_inherits
              cross join lateral (
                select inhrelid::regclass as part
                union
                select relid
                from pg_partition_tree(inhrelid::regclass)
              ) as attached
              where
                age(pg_inherits.xmin) <= (select age($8::text::xid))
                or pg_inherits.xmin::text::bigint = any($9::bigint[])
            )
          )
        )
        and domain = $10
      ) is true
    for update skip locked
  )
update jobs
set leased_until = null, lease_id = null, worker_id = null
where jobs.id = any(array(select id from picked))
