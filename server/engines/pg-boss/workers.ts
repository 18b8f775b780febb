import { mostOfWorkers } from '../../../shared/queues/most-of-workers.ts'
import { inQueueScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { SeenWorker } from '../adapter.ts'
import type { Found } from '../found.ts'
import { quotedText } from '../parts/sql-text.ts'

const { jobs: mostRead, workers: mostWorkers } = mostOfWorkers

/** The calls of `work()` of a row `i` of `instance`, which pg-boss writes as JSON with times of ISO 8601: an SQL row set `w`. */
export const workersOf = (sql: Sql): Fragment => sql`
  jsonb_to_recordset(case when jsonb_typeof(i.workers) = 'array' then i.workers else '[]' end)
    as w (queue text, active integer, "lastFetchedOn" timestamptz)`

/**
 * The processes that pg-boss says are alive, from 12.36 on, by the beat of the last 30 seconds; and a row without a name for what no process
 * says of itself: no version of pg-boss tells which job a process has.
 */
export function readInstances(
  sql: Sql,
  { schema, domain, beside, indexes }: Found,
  scope: Narrowed,
): Promise<SeenWorker[]> {
  const of = sql.unsafe(schema)
  const named = sql.unsafe(`${quotedText(domain)}::text`)
  const isMeant = sql`
    ${inQueueScope(sql, scope)}`
  const bound = sql.unsafe(`limit ${mostRead + 1}`)
  // Without its index every job would be read, and what has ended is not known.
  const isEndKnown = indexes.has('i16')
  const ended: Fragment = isEndKnown
    ? sql`
      select name, state
      from (select name from ${of}.queue) as q
      cross join lateral (
        select j.state
        from ${of}.job as j
        where j.name = q.name and j.completed_on > now() - interval '15 minutes' and j.completed_on <= now()
        ${bound}
      ) as of_queue
      ${bound}`
    : sql`select null::text as name, null::${of}.job_state as state where false`
  const workers: Fragment = beside.has('instance')
    ? sql`
      select
        coalesce(i.name, i.host || ':' || i.pid) as worker_id, w.queue, w.active, i.started_on, i.heartbeat_on,
        w."lastFetchedOn" as fetched_on
      from ${of}.instance as i
      cross join lateral ${workersOf(sql)}
      where i.stopped_on is null and i.heartbeat_on >= now() - i.heartbeat_seconds * interval '3 seconds'`
    : sql`
      select
        null::text as worker_id, null::text as queue, 0 as active, null::timestamptz as started_on,
        null::timestamptz as heartbeat_on, null::timestamptz as fetched_on
      where false`
  return sql<SeenWorker[]>`
    with seen as materialized (
      select * from (select ${named} as domain, workers.* from (${workers}) as workers) as every where true ${isMeant}
    ),
    running as materialized (
      select domain, queue, acquired_at, leased_until <= now() as is_expired
      from jobs
      where jobs.native_state = 'active' and jobs.domain = ${named} ${isMeant}
      ${bound}
    ),
    ended as materialized (
      select * from (select ${named} as domain, ended.name as queue, ended.state from (${ended}) as ended) as every
      where true ${isMeant}
    ),
    unnamed as (
      select domain, queue, count(*) as jobs, count(*) filter (where is_expired) as expired, min(acquired_at) as oldest,
        max(acquired_at) as newest, 0 as done, 0 as failed
      from running
      group by domain, queue
      union all
      select domain, queue, 0, 0, null, null, count(*) filter (where state = 'completed'), count(*) filter (where state = 'failed')
      from ended
      group by domain, queue
    )
    select
      workers.*,
      (select count(*) from running) <= ${mostRead}::int and (select count(*) from ended) <= ${mostRead}::int as is_complete
    from (
    select
      worker_id, sum(active)::bigint as leases, null::bigint as expired, null::timestamptz as oldest_lease_at,
      max(fetched_on) as last_asked_at, null::timestamptz as last_acquired_at, max(heartbeat_on) as last_renewed_at,
      null::bigint as done_15m, null::bigint as failed_15m, jsonb_agg(distinct jsonb_build_array(domain, queue)) as queues
    from seen
    group by worker_id
    union all
    select
      null, greatest(sum(jobs) - (select coalesce(sum(active), 0) from seen), 0)::bigint, sum(expired)::bigint, min(oldest), null,
      max(newest), null, ${isEndKnown ? sql`sum(done)::bigint, sum(failed)::bigint` : sql`null, null`}, jsonb_agg(distinct jsonb_build_array(domain, queue))
    from unnamed
    having count(*) > 0
    ) as workers
    order by leases desc, worker_id collate "C"
    ${sql.unsafe(`limit ${mostWorkers + 1}`)}`
}
