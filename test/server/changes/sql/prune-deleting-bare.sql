delete from jobs
where
  jobs.id = any($1::text::bigint[])
  and (
    status in ('completed', 'failed', 'cancelled', 'quarantined')
    and status = any($2)
    and domain = $3
    and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < coalesce($4::text::timestamptz, now()) - $5::int * interval '24 hours'
    and (
      age(jobs.xmin) > (select age($6::text::xid))
      or (
        (jobs.xmin::text::bigint - $7::bigint + $8::bigint) % $9::bigint >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - $10::bigint
        and jobs.xmin::text::bigint <> all($11::bigint[])
      )
    )
  ) is true
  and not (select exists (select from job_dependencies) or exists (select from job_attachments))
