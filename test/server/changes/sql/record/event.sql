insert into job_events (event_type, domain, queue, job_type, attrs_json, request_id)
values
  (
    $1,
    $2,
    $3,
    $4,
    $5::text::jsonb || coalesce(
      (
        select jsonb_build_object('proposal', filters -> 'proposal')
        from job_operations
        where id = $6::bigint and filters ? 'proposal'
      ),
      '{}'
    ),
    $7
  )
