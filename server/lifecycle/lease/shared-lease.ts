import type { AcquireRequest } from '../../../shared/work/acquire.ts'
import type { Job } from '../../../shared/work/job.ts'
import type { Leased, ServerContext, SharedLease } from '../../call.ts'
import { hasIdAmong } from '../../database/planner-hints.ts'
import type { Pool, Sql } from '../../database/sql.ts'
import { shareStatement } from '../../waiting/shared-statement.ts'
import { insertEventsOfCalls } from '../events/job-events.ts'
import { attemptOfJob, type JobShape, leasedJob, type Perhaps } from '../job-row.ts'
import { leaseLength } from '../server-limits.ts'
import {
  beginAttempt,
  type Gate,
  gate,
  gateColumns,
  type Looks,
  leasedEvents,
  neededByEvents,
  picked,
} from './lease.ts'
import { awaitTurn, isKnownThrottled, leaseUnderThrottle } from './throttle.ts'

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
export const createSharedLease = (sql: Pool): ServerContext['sharedLease'] => ({
  whole: sharedLease(sql, leasedJob),
  attempt: sharedLease(sql, attemptOfJob),
})

/** Each number of calls is a statement of its own, which each connection prepares. */
const most = 8

function sharedLease<Row extends Pick<Job, 'id'>>(sql: Pool, shape: JobShape<Row>): SharedLease<Row> {
  const lease = shareStatement<Asking, Leased<Row>>({
    run: (askings) => leaseAll(sql, askings, shape),
    kind: ({ request: { domain, queue, job_types, owner_user_id }, seconds, leaseOwner }) =>
      JSON.stringify([domain, queue, job_types ?? null, owner_user_id ?? null, seconds, leaseOwner ?? null]),
    most,
  })
  return async ({ requestId, leaseOwner, leaseMaxSeconds }, request) => {
    if (request.limit > 1) return undefined
    const seconds = leaseLength({ leaseMaxSeconds }, request.lease_seconds)
    await awaitTurn(sql, request)
    return lease({ request, seconds, leaseOwner, requestId })
  }
}

/** Leases a job for each of the calls, which would take the same jobs under the same terms. */
async function leaseAll<Row extends Pick<Job, 'id'>>(
  sql: Pool,
  askings: readonly Asking[],
  shape: JobShape<Row>,
): Promise<(Leased<Row> | undefined)[]> {
  const [first] = askings
  if (!first) return []
  const { request } = first
  const leaseFor = (tx: Sql, some: readonly Asking[], looks: Looks) =>
    leaseForEach(tx, first, { askings: some, shape, looks })
  const atOnce = isKnownThrottled(sql, request)
    ? undefined
    : await leaseFor(sql, askings, { atLeases: true, atThrottle: true })
  const isThrottled = atOnce === undefined || atOnce.some(({ throttled, expired }) => throttled && !expired)
  const {
    leased: rows = [],
    limited,
    expired = false,
  } = isThrottled
    ? await leaseUnderThrottle(sql, request, {
        ...{ wanted: askings.length, atLeases: true },
        lease: (tx, limit) => leaseFor(tx, askings.slice(0, limit), { atLeases: false, atThrottle: false }),
        count: (leased) => leased.filter(({ nth }) => nth !== null).length,
      })
    : { leased: atOnce }
  // Reclaiming leases and cancelling jobs that can never run are for a call alone.
  if (expired || rows.some((row) => row.expired || row.doomed)) return []
  return askings.map((_, n) => {
    const jobs = rows.flatMap((row) => (row.nth === n + 1 && shape.isFound(row) ? [row] : []))
    return { jobs, limited: jobs.length === 0 ? limited : undefined }
  })
}

/** The rows have the number of their call, from 1, as `nth`. */
const leaseForEach = <Row extends Pick<Job, 'id'>>(
  sql: Sql,
  { request, seconds, leaseOwner }: Asking,
  { askings, shape, looks }: { askings: readonly Asking[]; shape: JobShape<Row>; looks: Looks },
) => sql<(Gate & Perhaps<Row> & { nth: number | null })[]>`
  with ${gate(sql, request, looks)},
  ${picked(sql, { ...request, limit: askings.length })},
  taken as materialized (select id, row_number() over ()::int as nth from picked),
  leased as (
    update jobs
    set worker_id = (${askings.map((asking) => asking.request.worker_id)}::text[])[taken.nth],
      ${beginAttempt(sql, { seconds, leaseOwner })}
    from taken
    where ${hasIdAmong(sql, sql`select id from taken`)} and jobs.id = taken.id and jobs.domain = ${request.domain}
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
