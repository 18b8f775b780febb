import type { AcquireRequest } from '../../../shared/work/acquire.ts'
import type { Job } from '../../../shared/work/job.ts'
import type { ServerContext, SharedLease } from '../../call.ts'
import { hasIdAmong } from '../../database/planner-hints.ts'
import type { Sql } from '../../database/sql.ts'
import { shareStatement } from '../../waiting/shared-statement.ts'
import { insertEventsOfCalls } from '../events/job-events.ts'
import { attemptOfJob, type JobShape, type Perhaps, wholeJob } from '../job-row.ts'
import { leaseLength } from '../server-limits.ts'
import { beginAttempt, type Gate, gate, gateColumns, leasedEvents, neededByEvents, picked } from './lease.ts'

/** What one call asks for, together with what its lease and its event have of it. */
interface Asking {
  request: AcquireRequest
  seconds: number
  leaseOwner: string | undefined
  requestId: string
}

/**
 * Makes the functions by which calls take one job each, with the answer of each shape. A call for several jobs takes them alone.
 * @param sql the connections of workers
 */
export const createSharedLease = (sql: Sql): ServerContext['sharedLease'] => ({
  whole: sharedLease(sql, wholeJob),
  attempt: sharedLease(sql, attemptOfJob),
})

/** Each number of calls is a statement of its own, which each connection prepares. */
const most = 8

function sharedLease<Row extends Pick<Job, 'id'>>(sql: Sql, shape: JobShape<Row>): SharedLease<Row> {
  const lease = shareStatement<Asking, Row[]>({
    run: (askings) => leaseAll(sql, askings, shape),
    kind: ({ request: { domain, queue, job_types, owner_user_id }, seconds, leaseOwner }) =>
      JSON.stringify([domain, queue, job_types ?? null, owner_user_id ?? null, seconds, leaseOwner ?? null]),
    most,
  })
  return async ({ requestId, leaseOwner, leaseMaxSeconds }, request) => {
    if (request.limit > 1) return undefined
    const seconds = leaseLength({ leaseMaxSeconds }, request.lease_seconds)
    return lease({ request, seconds, leaseOwner, requestId })
  }
}

/** Leases a job for each of the calls, which would take the same jobs under the same terms. */
async function leaseAll<Row extends Pick<Job, 'id'>>(
  sql: Sql,
  askings: readonly Asking[],
  shape: JobShape<Row>,
): Promise<(Row[] | undefined)[]> {
  const [first] = askings
  if (!first) return []
  const rows = await leaseForEach(sql, first, { askings, shape })
  // Reclaiming leases and cancelling jobs that can never run are for a call alone.
  if (rows.some(({ expired, doomed }) => expired || doomed)) return []
  return askings.map((_, n) => rows.flatMap((row) => (row.nth === n + 1 && shape.isFound(row) ? [row] : [])))
}

/** The rows have the number of their call, from 1, as `nth`. */
const leaseForEach = <Row extends Pick<Job, 'id'>>(
  sql: Sql,
  { request, seconds, leaseOwner }: Asking,
  { askings, shape }: { askings: readonly Asking[]; shape: JobShape<Row> },
) => sql<(Gate & Perhaps<Row> & { nth: number | null })[]>`
  with ${gate(sql, request, true)},
  ${picked(sql, { ...request, limit: askings.length })},
  taken as materialized (select id, row_number() over ()::int as nth from picked),
  leased as (
    update jobs
    set worker_id = (${askings.map((asking) => asking.request.worker_id)}::text[])[taken.nth],
      ${beginAttempt(sql, { seconds, leaseOwner })}
    from taken
    where ${hasIdAmong(sql, sql`select id from taken`)} and jobs.id = taken.id
    returning ${shape.returned(sql, neededByEvents)}, taken.nth
  ),
  inserted_events as (${insertEventsOfCalls(
    sql,
    sql`${leasedEvents(sql)}, (${askings.map(({ requestId }) => requestId)}::text[])[nth] as request_id from leased order by nth`,
  )})
  select
    ${gateColumns(sql, request)}, leased.nth, ${shape.answered(sql, 'leased')}
  from gate
  left join leased on true`
