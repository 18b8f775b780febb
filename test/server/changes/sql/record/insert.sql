with
  record as (
    insert into job_operations (
      kind, domain, queue, job_type, filters, as_of, seen, caller, reason, request_id, idempotency_key,
      request_hash, preview_id, previewed
    )
    values
      (
        $1,
        $2,
        $3,
        $4,
        $5::text::jsonb,
        coalesce($6::text::timestamptz, now()),
        coalesce($7::text, pg_current_snapshot()::text),
        $8,
        $9,
        $10,
        $11,
        $12,
        $13,
        $14::bigint
      )
    returning id, as_of, seen
  ),
  term as (
    insert into jobsctl_operation_terms (operation_id, archive_days, principal, place, place_domain)
    select id, $15::int, $16::text, $17::text, $18::text
    from record
    on conflict (operation_id) do update set archive_days = excluded.archive_days, principal = excluded.principal, jobs = null, dependents = null, place = excluded.place, place_domain = excluded.place_domain
  )
select id as operation, as_of as "asOf", seen as snapshot
from record
