update job_operations
set
  affected = affected + $1::bigint,
  batches = batches + $2::int,
  counts = (
    select coalesce(jsonb_object_agg(name, coalesce((counts ->> name)::bigint, 0) + value::bigint), '{}')
    from jsonb_each_text($3::text::jsonb) as batch (name, value)
  ),
  touched_at = clock_timestamp()
where id = $4::bigint
