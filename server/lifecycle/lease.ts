import type { AcquireRequest } from '../../shared/work/acquire.ts'
import type { Job } from '../../shared/work/job.ts'
import type { Call } from '../call.ts'
import { hasIdAmong } from '../database/planner-hints.ts'
import { retryDeadlock } from '../database/retry-deadlock.ts'
import { staticFragment } from '../database/static-fragment.ts'
import { canNeverRun, cascade, droppedEvents, failedEnds, isBlocked } from './dependents.ts'
import { isDue, isRunningIn, isTimeless, leaseEnd, priorities } from './due.ts'
import { reclaim } from './expired-leases.ts'
import { insertEvents, wireTime } from './job-events.ts'
import { isJob, jobColumns, type PerhapsJob } from './job-row.ts'
import { leaseLength } from './server-limits.ts'

/** The most expired leases that one call takes back. */
const takenBackAtOnce = 100

/**
 * Leases jobs in pick order, as many as there are and were asked for. One round trip, unless leases have run out or what
 * jobs depend on has ended badly: that is seen to first.
 */
export async function leaseJobs(call: Call, request: AcquireRequest): Promise<Job[]> {
  const first = await lease(call, request, true)
  if (first.expired) {
    const { sql } = call
    const where = sql`${isRunningIn(sql, request)} and ${leaseEnd(sql)} < now()`
    await retryDeadlock(() => reclaim(sql, call, { where, limit: takenBackAtOnce }))
    return (await lease(call, request, false)).jobs
  }
  if (first.doomed) await retryDeadlock(() => dropDoomed(call, request))
  return first.jobs
}

interface Gate {
  /** Nothing was leased, since expired leases are to be taken back before. */
  expired: boolean
  /** Jobs of the queue wait for what will never be completed. */
  doomed: boolean
}
type Leased = Gate & PerhapsJob

async function lease(call: Call, request: AcquireRequest, expiredFirst: boolean): Promise<Gate & { jobs: Job[] }> {
  const { sql } = call
  const { domain, queue, worker_id } = request
  const lease_seconds = leaseLength(call, request.lease_seconds)
  // A number that the planner can see: for a parameter it would expect a tenth of the queue.
  const limit = sql.unsafe(`limit ${request.limit}`)
  const rows = await retryDeadlock(
    () => sql<Leased[]>`
      with gate as materialized (
        select
          exists (
            select from job_queue_controls
            where domain = ${domain} and queue = ${queue} and (paused or drain)
          ) as stopped,
          ${expiredFirst}::bool and exists (
            select from jobs where ${isRunningIn(sql, request)} and ${leaseEnd(sql)} < now()
          ) as expired
      ),
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
        where not gate.stopped and not gate.expired
        ${limit}
      ),
      leased as (
        update jobs
        set status = 'processing', worker_id = ${worker_id}, lease_id = gen_random_uuid()::text,
            leased_until = now() + ${lease_seconds}::int * interval '1 second', acquired_at = now(), started_at = now(),
            progress_percent = null, progress_message = null, completion_token = null, completed_at = null
        where ${hasIdAmong(sql, sql`select id from picked`)}
        returning ${jobColumns(sql)}
      ),
      told as (${insertEvents(sql, call, leasedSteps(sql))})
      select
        gate.expired and not gate.stopped as expired,
        case
          when leased.id is not null or gate.stopped or gate.expired then false
          else exists (
            select from ${priorities(sql)}
            cross join lateral (select from jobs where ${isDue(sql, request)} and ${canNeverRun(sql)} limit 1) as waiting
          )
        end as doomed,
        leased.*
      from gate
      left join leased on true
      order by coalesce(leased.priority, 11), coalesce(leased.available_at, leased.created_at), leased.id`,
  )
  const [{ expired, doomed } = { expired: false, doomed: false }] = rows
  return { expired, doomed, jobs: rows.filter(isJob) }
}

const leasedSteps = staticFragment(
  (sql) => sql`
  select
    id, domain, queue, job_type, owner_user_id, trace_id, 'job.acquired' as event_type,
    jsonb_build_object('worker_id', worker_id, 'retry_count', retry_count, 'leased_until', ${wireTime(sql, sql`leased_until`)}) as attrs
  from leased
  order by coalesce(priority, 11), coalesce(available_at, created_at), id`,
)

/** Jobs whose dependency another program ended badly: a server cancels them in the statement that ends it. */
const dropDoomed = ({ sql, ...call }: Call, request: AcquireRequest) => sql`
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
    cross join lateral (
      select jobs.uuid, jobs.status
      from job_dependencies edge
      join jobs on jobs.uuid = edge.depends_on_job_uuid
      where edge.job_uuid = waiting.uuid and jobs.status in ${failedEnds(sql)}
      offset 0
    ) as needed
  ),
  ${cascade(sql)}
  ${insertEvents(sql, call, droppedEvents(sql))}`
