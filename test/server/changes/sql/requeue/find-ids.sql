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
          with recursive
            parts (part, is_attached) as (
              select to_regclass('' || 'jobs')::oid, false
              union all
              select
                inhrelid,
                is_attached
                or (
                  (pg_inherits.xmin::text::bigint - $9::bigint + $10::bigint) % $11::bigint < (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $12::bigint
                  or pg_inherits.xmin::text::bigint = any($13::bigint[])
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
  limit 50000
) as candidates
