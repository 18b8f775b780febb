insert into job_events (event_type, domain, queue, job_type, attrs_json, request_id)
values ($1, $2, $3, $4, $5::text::jsonb, $6)
