update job_operations
set
  hash = encode(
    sha256(
      convert_to(
        (
          select head from job_operation_days last where last.day = job_operations.day
        ) || jsonb_build_array(
          id,
          kind,
          domain,
          queue,
          job_type,
          filters,
          to_char(as_of at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC'),
          seen,
          caller,
          reason,
          request_id,
          idempotency_key,
          request_hash,
          preview_id,
          previewed,
          affected,
          skipped_locked,
          batches,
          counts,
          answer,
          error,
          to_char(started_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC'),
          to_char(ended_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC'),
          undoes,
          ended_as,
          day,
          number
        )::text,
        'UTF8'
      )
    ),
    'hex'
  )
where id = $1::bigint
