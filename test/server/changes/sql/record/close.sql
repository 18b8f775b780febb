update job_operations
set
  state = case when $1::text = 'partial' and affected = 0 then 'failed' else $2::text end,
  error = $3,
  skipped_locked = $4,
  answer = $5::text::jsonb,
  undoes = coalesce(undoes, $6::bigint),
  ended_at = clock_timestamp(),
  touched_at = clock_timestamp(),
  preview_id = case when affected = 0 and $7::text <> 'done' then null else preview_id end,
  idempotency_key = case when affected = 0 and $8::text <> 'done' then null else idempotency_key end
where id = $9::bigint and state = 'running'
returning id, affected, state
