select
  coalesce(jsonb_agg(id), '[]') as ids,
  count(*) as count,
  max(time)::text as end,
  extract(epoch from clock_timestamp() - statement_timestamp())::float8 * 1000 as took
from (
  select id, coalesce(completed_at, cancelled_at, quarantined_at, created_at) as time
  from jobs
  where
    status in ('completed', 'failed', 'cancelled', 'quarantined')
    and status = any($1)
    and domain = $2
    and queue = $3
    and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($4::text::timestamptz, now()) - $5::int * interval '24 hours'
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
              select to_regclass('' || 'jobs')::oid, false
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
    and id <= 9007199254740991
    and (id >= -9007199254740991) is true
    and coalesce(completed_at, cancelled_at, quarantined_at, created_at) >= $17::text::timestamptz
  order by time
  limit 513
) as found
