update job_operations
set
  state = case when $1::text = 'partial' and affected = 0 then 'failed' else $2::text end,
  error = $3,
  skipped_locked = $4,
  answer = $5::text::jsonb,
  ended_at = clock_timestamp(),
  touched_at = clock_timestamp(),
  preview_id = case when affected = 0 and $6::text <> 'done' then null else preview_id end,
  idempotency_key = case when affected = 0 and $7::text <> 'done' then null else idempotency_key end
where id = $8::bigint and state = 'running'
returning
  id,
  affected,
  state,
  case when kind = 'undo' and filters ->> 'operation' ~ '^[1-9][0-9]{0,14}$' then (filters ->> 'operation')::bigint end as undoing
