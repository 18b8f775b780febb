select
  coalesce(jsonb_agg(id order by id) filter (where id <= 9007199254740991 and (id >= -9007199254740991) is true), '[]') as ids,
  count(*) as looked
from (
  select jobs.id
  from jobs
  where
    status = 'quarantined'
    and domain = $1
    and queue = $2
    and (
      (
        age(jobs.xmin) > (select age($3::text::xid))
        or (
          (jobs.xmin::text::bigint - $4::bigint + $5::bigint) % $6::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $7::bigint
          and jobs.xmin::text::bigint <> all($8::bigint[])
        )
      )
      and jobs.tableoid <> all(
        array(
          select part::oid
          from pg_inherits
          cross join lateral (
            select inhrelid::regclass as part union select relid from pg_partition_tree(inhrelid::regclass)
          ) as attached
          where
            age(pg_inherits.xmin) <= (select age($9::text::xid))
            or pg_inherits.xmin::text::bigint = any($10::bigint[])
        )
      )
    )
  limit 50000
) as candidates
