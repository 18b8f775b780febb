import type { WorkerRow } from '../../../shared/queues/workers.ts'
import { inScope, type Narrowed } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { quotedText } from '../parts/sql-text.ts'

/** The names of a worker's queues as pairs of domain and queue. */
interface Row extends Omit<WorkerRow, 'queues'> {
  queues: [string, string][]
}

/** The most running jobs that are read. */
const mostRead = 50_000

/**
 * Who has running jobs: from 0.17 on a pool, which is a process with its workers; before, each worker. One without a running job is in no
 * table, and what one has done is gone with its jobs.
 */
export async function readWorkers(sql: Sql, found: readonly Found[], scope: Narrowed): Promise<WorkerRow[]> {
  const rows: Row[] = []
  for (const place of found) rows.push(...(await readIn(sql, place, scope)))
  return rows.map(({ queues, ...row }) => ({
    ...row,
    queues: queues.map(([domain, queue]) => ({ domain, queue })),
  }))
}

const readIn = (sql: Sql, { domain }: Found, scope: Narrowed) => sql<Row[]>`
  with running as materialized (
    select worker_id, domain, queue, acquired_at, leased_until <= now() as is_expired
    from jobs
    where jobs.native_locked_at is not null and jobs.domain = ${sql.unsafe(`${quotedText(domain)}::text`)} ${inScope(sql, scope)}
    ${sql.unsafe(`limit ${mostRead}`)}
  )
  select
    worker_id, count(*) as leases, count(*) filter (where is_expired) as expired, min(acquired_at) as oldest_lease_at,
    null::timestamptz as last_asked_at, max(acquired_at) as last_acquired_at, null::timestamptz as last_renewed_at,
    null::bigint as done_15m, null::bigint as failed_15m, jsonb_agg(distinct jsonb_build_array(domain, queue)) as queues
  from running
  group by worker_id
  order by leases desc, worker_id collate "C"`
