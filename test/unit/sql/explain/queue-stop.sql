select
  drain,
  updated_at as since,
  coalesce(
    (
      select coalesce(of_token.principal, token.name)
      from jobs_api_tokens as token
      left join jobsctl_tokens as of_token on of_token.id = token.id
      where token.id = decision.caller
    ),
    (select known.name from jobsctl_callers as known where known.id = decision.caller),
    decision.caller
  ) as by,
  stated.reason as why
from job_queue_controls stopped
left join lateral (
  select attrs_json ->> 'reason' as reason
  from job_events
  where
    domain = stopped.domain
    and queue = stopped.queue
    and event_type in ('queue.paused', 'queue.drained', 'queue.resumed')
    and case when stopped.updated_at is not null then created_at >= stopped.updated_at else id > coalesce(
      (
        select max(id)
        from job_events
        where
          domain = stopped.domain
          and queue = stopped.queue
          and event_type in ('queue.paused', 'queue.drained', 'queue.resumed')
          and event_type = 'queue.resumed'
      ),
      0
    ) end
    and attrs_json ->> 'reason' is not null
  order by id desc
  limit 1
) as stated on true
left join lateral (
  select attrs_json ->> 'caller' as caller
  from job_events
  where
    domain = stopped.domain
    and queue = stopped.queue
    and event_type in ('queue.paused', 'queue.drained', 'queue.resumed')
    and case when stopped.updated_at is not null then created_at >= stopped.updated_at else id > coalesce(
      (
        select max(id)
        from job_events
        where
          domain = stopped.domain
          and queue = stopped.queue
          and event_type in ('queue.paused', 'queue.drained', 'queue.resumed')
          and event_type = 'queue.resumed'
      ),
      0
    ) end
    and event_type <> 'queue.resumed'
  order by id desc
  limit 1
) as decision on true
where stopped.domain = $1::text and stopped.queue = $2::text and (paused or drain)
limit 1
