with
  running as materialized (
    select worker_id, domain, queue, acquired_at, updated_at, (leased_until > now()) is true as valid
    from jobs
    where (status = 'processing') is true and domain || chr(31) || queue = $1 and domain = $2
    limit 50001
  ),
  ended as materialized (
    select worker_id, domain, queue, acquired_at, status
    from jobs
    where
      coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at) > now() - interval '15 minutes'
      and coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at) <= now()
    order by coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at) desc, id desc
    limit 50001
  ),
  seen as (
    select
      worker_id,
      domain,
      queue,
      1 as leases,
      (not valid)::int as expired,
      acquired_at as held_since,
      acquired_at,
      case when updated_at > acquired_at then updated_at end as renewed_at,
      null::timestamptz as asked_at,
      0 as done,
      0 as failed
    from running
    union all
    select
      worker_id,
      domain,
      queue,
      0,
      0,
      null,
      acquired_at,
      null,
      null,
      (status = 'completed')::int,
      (status in ('failed', 'quarantined'))::int
    from ended
    where worker_id is not null and domain = $3 and queue = $4
    union all
    select worker_id, domain, queue, 0, 0, null, null, null, asked_at, 0, 0
    from jobsctl_worker_marks
    where true and domain = $5 and queue = $6
  )
select
  worker_id,
  sum(leases) as leases,
  sum(expired) as expired,
  min(held_since) as oldest_lease_at,
  max(asked_at) as last_asked_at,
  max(acquired_at) as last_acquired_at,
  max(renewed_at) as last_renewed_at,
  sum(done) as done_15m,
  sum(failed) as failed_15m,
  jsonb_agg(distinct jsonb_build_array(domain, queue)) as queues,
  (select count(*) from running) <= $7::int
  and (select count(*) from ended) <= $8::int as is_complete
from seen
group by worker_id
order by sum(leases) desc, greatest(max(asked_at), max(acquired_at)) desc nulls last, worker_id collate "C"
limit 1001
