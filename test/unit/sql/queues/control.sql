with
  stored as materialized (
    select coalesce(paused, false) as paused, coalesce(drain, false) as drain, domain, queue, updated_at
    from job_queue_controls
    where domain = $1 and queue = $2
    for update
  ),
  before as materialized (
    select
      stored.domain is not null
      or exists (select from jobs where domain = $3 and queue = $4) as known,
      coalesce(paused, false) as paused,
      coalesce(drain, false) as drain,
      case when paused or drain then updated_at end as updated_at,
      case when paused or drain then stated.reason end as reason
    from (select) as one
    left join stored on true
    left join lateral (
      select attrs_json ->> 'reason' as reason
      from job_events
      where
        domain = stored.domain
        and queue = stored.queue
        and event_type in ('queue.paused', 'queue.drained', 'queue.resumed')
        and case when stored.updated_at is not null then created_at >= stored.updated_at else id > coalesce(
          (
            select max(id)
            from job_events
            where
              domain = stored.domain
              and queue = stored.queue
              and event_type in ('queue.paused', 'queue.drained', 'queue.resumed')
              and event_type = 'queue.resumed'
          ),
          0
        ) end
        and attrs_json ->> 'reason' is not null
      order by id desc
      limit 1
    ) as stated on true
  ),
  changed as (
    insert into job_queue_controls as control (domain, queue, paused, drain, updated_at)
    select $5::text, $6::text, $7::bool, $8::bool, now()
    from before
    where (known or not $9::bool) and ((paused, drain) <> ($10::bool, $11::bool) or $12::bool)
    on conflict (domain, queue) do update set paused = excluded.paused, drain = excluded.drain, updated_at = case
    -- The time of the first stop stays, and so does its reason, which is in the events since then.
    when (control.paused or control.drain) and excluded.paused and $13::bool then control.updated_at else excluded.updated_at end
    returning domain, queue, paused
  ),
  inserted_event as (
    insert into job_events (domain, queue, event_type, attrs_json, request_id)
    select
      changed.domain,
      changed.queue,
      $14::text,
      jsonb_strip_nulls(
        jsonb_build_object(
          'caller',
          $15::text,
          'reason',
          coalesce($16::text, case when not (before.paused or before.drain) or $17::bool then $18::text end),
          'request_reason',
          case when before.paused or before.drain then $19::text end
        )
      ),
      $20::text
    from changed
    cross join before
  ),
  notified as (
    select pg_notify($21, case when octet_length(keys) < 7900 then keys else '' end)
    from (
      select jsonb_agg(distinct jsonb_build_array(domain, queue))::text as keys
      from (select domain, queue from changed where not paused) as ready
    ) as notification
    where keys is not null
  )
select known, paused, drain, updated_at, reason, exists (select from changed) as changed
from before
left join notified on true
