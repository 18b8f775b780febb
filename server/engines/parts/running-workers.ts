import { mostOfWorkers } from '../../../shared/queues/most-of-workers.ts'
import { inScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { SeenWorker } from '../adapter.ts'

/**
 * The workers of an engine that has nothing of them but their running jobs: one without a job is not seen, and what one has done is not kept.
 * @param isRunning holds for the running jobs of the engine, by one of its indexes
 */
export const runningWorkers = (sql: Sql, isRunning: Fragment, scope: Narrowed): Promise<SeenWorker[]> => sql<
  SeenWorker[]
>`
  with running as materialized (
    select worker_id, domain, queue, acquired_at, leased_until <= now() as is_expired
    from jobs
    where ${isRunning} ${inScope(sql, scope)}
    ${sql.unsafe(`limit ${mostOfWorkers.jobs + 1}`)}
  )
  select
    worker_id, count(*) as leases, count(*) filter (where is_expired) as expired, min(acquired_at) as oldest_lease_at,
    null::timestamptz as last_asked_at, max(acquired_at) as last_acquired_at, null::timestamptz as last_renewed_at,
    null::bigint as done_15m, null::bigint as failed_15m, jsonb_agg(distinct jsonb_build_array(domain, queue)) as queues,
    (select count(*) from running) <= ${mostOfWorkers.jobs}::int as is_complete
  from running
  group by worker_id
  order by leases desc, worker_id collate "C"
  ${sql.unsafe(`limit ${mostOfWorkers.workers + 1}`)}`
