import type { WorkerRow } from '../../../shared/queues/workers.ts'
import { inScope, type Narrowed } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'

interface Row extends Omit<WorkerRow, 'queues'> {
  /** The names of a worker's queues as pairs of domain and queue. */
  queues: [string, string][]
}

/** The most running jobs that are read. */
const mostRead = 50_000

/**
 * The workers by the running jobs that they have. BullMQ writes the name of a worker into its jobs where the application gives it one; all others
 * are one row without a name. A worker without a job is not in its tables.
 */
export async function readWorkers(sql: Sql, found: readonly Found[], scope: Narrowed): Promise<WorkerRow[]> {
  if (found.length === 0) return []
  const rows = await sql<Row[]>`
    select
      worker_id, count(*) as leases, count(*) filter (where leased_until <= now()) as expired, min(acquired_at) as oldest_lease_at,
      null::timestamptz as last_asked_at, max(acquired_at) as last_acquired_at, null::timestamptz as last_renewed_at,
      0::bigint as done_15m, 0::bigint as failed_15m, jsonb_agg(distinct jsonb_build_array(domain, queue)) as queues
    from (
      select domain, queue, worker_id, acquired_at, leased_until
      from jobs
      where jobs.native_state = 'active' ${inScope(sql, scope)}
      ${sql.unsafe(`limit ${mostRead}`)}
    ) as running
    group by worker_id
    order by leases desc, worker_id collate "C"`
  return rows.map(({ queues, ...row }) => ({ ...row, queues: queues.map(([domain, queue]) => ({ domain, queue })) }))
}
