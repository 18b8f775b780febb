with
  seal as (
    insert into jobsctl_seals (operation_id, version, hash)
    select
      id,
      $1::int,
      encode(
        sha256(
          convert_to(jsonb_build_array(hash, to_char(touched_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC'))::text, 'UTF8')
        ),
        'hex'
      )
    from job_operations
    where id = $2::bigint
    on conflict (operation_id) do update set version = excluded.version, hash = excluded.hash
    returning operation_id, version, hash
  )
insert into job_events (event_type, domain, queue, job_type, attrs_json, request_id)
select
  'operation.sealed',
  domain,
  queue,
  job_type,
  jsonb_build_object(
    'operation', record.id, 'day', record.day, 'number', record.number, 'hash', record.hash, 'version',
    seal.version, 'seal', seal.hash
  ),
  request_id
from job_operations record
join seal on seal.operation_id = record.id
where ended_as <> 'failed'
