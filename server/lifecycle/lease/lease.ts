import type { AcquireRequest } from '../../../shared/work/acquire.ts'
import type { Job } from '../../../shared/work/job.ts'
import type { Call, Leased, Requested, ServerContext } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { hasIdAmong } from '../../database/planner-hints.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { canNeverRun, cascadeOfFew, droppedEvents, failedEnds, isBlocked, neededBy } from '../dependents/dependents.ts'
import { leftToBackground } from '../dependents/left-dependents.ts'
import { attrsWithoutNulls, insertEvents, insertWholeEvents, wireTime } from '../events/job-events.ts'
import type { JobShape, Perhaps } from '../job-row.ts'
import { newLeaseId } from '../lease-owner.ts'
import { leaseLength } from '../server-limits.ts'
import { isDue, isRunningIn, isTimeless, leaseEnd, priorities } from './due.ts'
import { reclaim } from './expired-leases.ts'
import { awaitTurn, isThrottled, leaseUnderThrottle } from './throttle.ts'

/** The most expired leases that one call reclaims. */
const reclaimedAtOnce = 100

type LeaseSettings = Pick<Call, 'requestId' | 'leaseMaxSeconds' | 'quarantineThreshold' | 'leaseOwner'>

/**
 * Leases jobs in pick order: as many as there are, and at most `request.limit`. This takes one round trip, unless leases
 * have expired, a dependency of a due job has ended badly, or the queue is throttled. Expired leases are reclaimed before. Jobs that can never
 * run are cancelled after. Jobs of a throttled queue are leased under the lock of its throttle.
 * @param shape what the result has of each job
 */
export async function leaseJobs<Row extends Pick<Job, 'id'>>(
  settings: LeaseSettings & Pick<Call, 'sql'>,
  request: AcquireRequest,
  shape: JobShape<Row>,
): Promise<Leased<Row>> {
  const { sql, requestId } = settings
  const found = await leaseOnce(settings, request, { shape, atLeases: true })
  if (found.expired) {
    const where = sql`${isRunningIn(sql, request)} and ${leaseEnd(sql)} < now()`
    await retryDeadlock(() => reclaim(sql, settings, { where, limit: reclaimedAtOnce, countsAttempt: true }))
    return leaseOnce(settings, request, { shape, atLeases: false })
  }
  if (found.doomed) await retryDeadlock(() => cancelDoomed({ sql, requestId }, request))
  return found
}

type Once<Row> = Leased<Row> & Pick<Gate, 'expired' | 'doomed'>

/** Leases jobs, under the lock of the throttle where the queue has one. */
async function leaseOnce<Row extends Pick<Job, 'id'>>(
  settings: LeaseSettings & Pick<Call, 'sql'>,
  request: AcquireRequest,
  { shape, atLeases }: { shape: JobShape<Row>; atLeases: boolean },
): Promise<Once<Row>> {
  const { sql } = settings
  if (!(await awaitTurn(sql, request))) {
    const looks = { shape, atLeases, atThrottle: true }
    const found = await retryDeadlock(() => lease(sql, settings, request, looks))
    if (!found.throttled || found.expired) return found
  }
  const {
    leased,
    limited,
    expired = false,
  } = await leaseUnderThrottle(sql, request, {
    ...{ wanted: request.limit, atLeases },
    lease: (tx, limit) => lease(tx, settings, { ...request, limit }, { shape, atLeases: false, atThrottle: false }),
    count: ({ jobs }) => jobs.length,
  })
  return { jobs: leased?.jobs ?? [], doomed: leased?.doomed ?? false, limited, expired }
}

/** What a lease looks at before it takes jobs. */
export interface Looks {
  /** Where a lease of the queue has expired, nothing is leased: it must be reclaimed before. */
  atLeases: boolean
  /** Where the queue is throttled, nothing is leased: its jobs are leased under the lock of its throttle. */
  atThrottle: boolean
}

export interface Gate {
  /** Nothing was leased, because expired leases must be reclaimed before. */
  expired: boolean
  /** Nothing was leased, because the queue is throttled. */
  throttled: boolean
  /** Nothing was leased, and due jobs of the queue depend on a job that will never be completed. */
  doomed: boolean
}

async function lease<Row extends Pick<Job, 'id'>>(
  sql: Sql,
  settings: LeaseSettings,
  request: AcquireRequest,
  { shape, ...looks }: Looks & { shape: JobShape<Row> },
): Promise<Gate & { jobs: Row[] }> {
  const { requestId } = settings
  const rows = await sql<(Gate & Perhaps<Row>)[]>`
    with ${gate(sql, request, looks)},
    ${picked(sql, request)},
    ${leased(sql, {
      domain: request.domain,
      worker_id: request.worker_id,
      seconds: leaseLength(settings, request.lease_seconds),
      leaseOwner: settings.leaseOwner,
      returned: shape.returned(sql, neededByEvents),
    })},
    inserted_events as (${insertWholeEvents(sql, { requestId }, sql`${leasedEvents(sql)} from leased ${inPickOrder(sql)}`)})
    select
      ${gateColumns(sql, request)},
      ${shape.answered(sql, 'leased')}
    from gate
    left join leased on true
    ${inPickOrder(sql)}`
  const [{ expired, throttled, doomed } = { expired: false, throttled: false, doomed: false }] = rows
  return { expired, throttled, doomed, jobs: rows.flatMap((row) => (shape.isFound(row) ? [row] : [])) }
}

/** The columns of `Gate`, of the CTEs `gate` and `leased`. */
export const gateColumns = (sql: Sql, request: AcquireRequest): Fragment => sql`
  gate.expired and not gate.stopped as expired,
  gate.throttled and not gate.stopped as throttled,
  case
    when leased.id is not null or gate.stopped or gate.expired or gate.throttled then false
    else exists (
      select from ${priorities(sql)}
      cross join lateral (select from jobs where ${isDue(sql, request)} and ${canNeverRun(sql)} limit 1) as waiting
    )
  end as doomed`

/** Defines the CTE `gate (stopped, expired, throttled)`, one row: whether the queue is stopped, a lease of it has expired, and it is throttled. */
export const gate = (sql: Sql, request: AcquireRequest, { atLeases, atThrottle }: Looks): Fragment => sql`
  gate as materialized (
    select
      exists (
        select from job_queue_controls
        where domain = ${request.domain} and queue = ${request.queue} and (paused or drain)
      ) as stopped,
      ${atLeases}::bool and exists (
        select from jobs where ${isRunningIn(sql, request)} and ${leaseEnd(sql)} < now()
      ) as expired,
      ${atThrottle}::bool and ${isThrottled(sql, request)} as throttled
  )`

/** Needs the CTE `gate`; defines `picked (id)`, the locked jobs to lease. Rows that others have locked are skipped. */
export function picked(sql: Sql, request: AcquireRequest): Fragment {
  // A literal, because the planner expects a tenth of the queue for a parameter.
  const limit = sql.unsafe(`limit ${request.limit}`)
  return sql`
  picked as materialized (
    select job.id
    from gate
    cross join ${priorities(sql)}
    cross join lateral (
      select id from (
        select id
        from jobs
        where ${isDue(sql, request)} and not ${isBlocked(sql)}
        order by coalesce(available_at, created_at), id
        ${limit}
        for update skip locked
      ) as due
      union all
      select id from (
        select id
        from jobs
        where ${isTimeless(sql, request)} and not ${isBlocked(sql)}
        order by id
        ${limit}
        for update skip locked
      ) as timeless
    ) as job
    where not gate.stopped and not gate.expired and not gate.throttled
    ${limit}
  )`
}

interface NewLease {
  seconds: number
  leaseOwner: string | undefined
}

/** What `leasedEvents` and the order of an answer need of a leased row. */
export const neededByEvents = [
  ...(['id', 'domain', 'queue', 'job_type', 'owner_user_id', 'trace_id', 'worker_id'] as const),
  ...(['retry_count', 'leased_until', 'priority', 'available_at', 'created_at'] as const),
]

/** Needs the CTE `picked (id)`; defines `leased`, which leases these jobs and has the columns `returned`. */
const leased = (
  sql: Sql,
  { domain, worker_id, returned, ...lease }: NewLease & { domain: string; worker_id: string; returned: Fragment },
) => sql`
  leased as (
    update jobs
    set worker_id = ${worker_id}, ${beginAttempt(sql, lease)}
    where ${hasIdAmong(sql, sql`select id from picked`)} and domain = ${domain}
    returning ${returned}
  )`

/** Assignments of an update of `jobs`: a new attempt begins under a new lease. The caller sets `worker_id`. */
export const beginAttempt = (sql: Sql, { seconds, leaseOwner }: NewLease): Fragment => sql`
  status = 'processing', lease_id = ${newLeaseId(sql, leaseOwner)},
  leased_until = now() + ${seconds}::int * interval '1 second', acquired_at = now(), started_at = now(),
  progress_percent = null, progress_message = null, completion_token = null, completed_at = null`

/** Selects, of rows of the CTE `leased`, what `insertWholeEvents` takes of a `job.acquired` event. */
export const leasedEvents = staticFragment(
  (sql) => sql`
  select
    id, domain, queue, job_type, owner_user_id, trace_id, 'job.acquired' as event_type,
    ${attrsWithoutNulls(
      sql,
      sql`worker_id, retry_count, leased_until`,
      sql`jsonb_build_object('worker_id', worker_id, 'retry_count', retry_count, 'leased_until', ${wireTime(sql, sql`leased_until`)})`,
    )} as attrs`,
)

const inPickOrder = staticFragment(
  (sql) => sql`order by coalesce(leased.priority, 11), coalesce(leased.available_at, leased.created_at), leased.id`,
)

/**
 * Cancels due jobs whose dependency another program ended badly, or has deleted after a bad end, at most 100 of each priority. Our
 * servers cancel dependents in the statement that ends the dependency, or in the background, to which those are left that it has begun
 * with.
 */
const cancelDoomed = (
  { sql, requestId }: Pick<ServerContext, 'sql'> & Pick<Requested, 'requestId'>,
  request: AcquireRequest,
) => sql`
  with recursive
  ended (uuid, status) as materialized (
    select distinct needed.uuid, needed.status
    from ${priorities(sql)}
    cross join lateral (
      select uuid
      from jobs
      where ${isDue(sql, request)} and ${canNeverRun(sql)}
      limit 100
    ) as waiting
    cross join ${neededBy(sql, sql`waiting.uuid`)}
    where needed.status in ${failedEnds(sql)} and needed.uuid not in (select uuid from jobsctl_cascade_parents)
  ),
  ${cascadeOfFew(sql)},
  ${leftToBackground(sql, { requestId })}
  ${insertEvents(sql, { requestId }, droppedEvents(sql))}`
