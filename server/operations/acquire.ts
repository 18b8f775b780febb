import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AcquireRequest } from '../../shared/acquire.ts'
import type { Job } from '../../shared/job.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { during, queueKey } from '../waiting.ts'
import type { Call } from './call.ts'
import { badEnds, cascade, droppedSteps, isBlocked, isDoomed } from './dependents.ts'
import { takeBack } from './expired.ts'
import { leaseFaults, leaseLength, refuse } from './faults-of-settings.ts'
import { releaseJob } from './finish.ts'
import { isQueuedIn, isRunningIn, leaseEnd, type Queue } from './in-queue.ts'
import { isJob, jobColumns, type PerhapsJob } from './job-columns.ts'
import { isNameable, isOneOf } from './one-of.ts'
import { tellSteps, wireTime } from './steps.ts'
import { undeadlocked } from './undeadlocked.ts'

/** How long a held call goes without looking, in milliseconds: other programs' jobs come without a notice. */
const pollMs = 1000

/** The most expired leases that one call takes back. */
const takenBackAtOnce = 100

/** Leases jobs in pick order; with `wait_seconds`, once there are any. A caller that is gone takes none along. */
export async function acquire(call: Call, request: AcquireRequest): Promise<{ jobs: Job[] }> {
  refuse(leaseFaults(call, request.lease_seconds, 'lease_seconds'))
  const atOnce = await take(call, request)
  if (atOnce.length > 0 || request.wait_seconds === 0) return handOver(call, atOnce)
  const { job_types, owner_user_id, wait_seconds } = request
  const line = { queue: queueKey(request), kind: JSON.stringify([job_types, owner_user_id]) }
  const look = async () => {
    await call.stillAllowed()
    const jobs = await take(call, request)
    return jobs.length > 0 ? { found: jobs } : { againInMs: Math.min(pollMs, await nextDueMs(call, request)) }
  }
  const found = await during([call.gone(), call.stopping], wait_seconds * 1000, (until) =>
    call.waiting.watch({ ...line, until, look }),
  )
  return handOver(call, found ?? [])
}

/** Should the caller be gone before it has read its jobs, they go back to the queue. */
async function handOver(call: Call, jobs: Job[]): Promise<{ jobs: Job[] }> {
  call.changed(jobs.length)
  if (jobs.length === 0) return { jobs }
  // The system may know already that it is gone: this program hears of it in its next look at the network.
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  const giveBack = () => {
    for (const { id, worker_id, lease_id } of jobs) {
      if (worker_id === null || lease_id === null) continue
      releaseJob(
        { ...call, requireCompletionToken: false },
        { id, worker_id, lease_id, completion_token: undefined },
      ).catch((error: unknown) =>
        call.log.warn(`job ${id} waits for its lease to run out; its worker is gone: ${error}`),
      )
    }
  }
  const gone = call.gone()
  if (gone.aborted) giveBack()
  else gone.addEventListener('abort', giveBack, { once: true })
  return { jobs }
}

/** One round trip, unless leases have run out or what jobs depend on has ended badly: that is seen to first. */
async function take(call: Call, request: AcquireRequest): Promise<Job[]> {
  const first = await lease(call, request, true)
  if (first.expired) {
    const { sql } = call
    const where = sql`${isRunningIn(sql, request)} and ${leaseEnd(sql)} < now()`
    await undeadlocked(() => takeBack(sql, call, { where, limit: takenBackAtOnce }))
    return (await lease(call, request, false)).jobs
  }
  if (first.doomed) await undeadlocked(() => dropDoomed(call, request))
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
  const rows = await undeadlocked(
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
        where ${isOneOf(sql, sql`select id from picked`)}
        returning ${jobColumns(sql)}
      ),
      told as (${tellSteps(sql, call, leasedSteps(sql))})
      select
        gate.expired and not gate.stopped as expired,
        case
          when leased.id is not null or gate.stopped or gate.expired then false
          else exists (
            select from ${priorities(sql)}
            cross join lateral (select from jobs where ${isDue(sql, request)} and ${isDoomed(sql)} limit 1) as waiting
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

/** From the first to run to the last; a job without a priority comes after all others. */
const priorities = (sql: Sql): Fragment => sql`generate_series(1, 11) as tier (priority)`

/**
 * Queued and due in the queue, and what the worker takes, of one priority. Asked for each priority on its own,
 * since what is scheduled for later would lie in the way of a lower priority that is due.
 */
const isDue = (sql: Sql, request: AcquireRequest): Fragment => sql`
  ${isWanted(sql, request)} and coalesce(available_at, created_at) <= now()`

/** The same of those that another program has given no time at all: the last of their priority. */
const isTimeless = (sql: Sql, request: AcquireRequest): Fragment => sql`
  ${isWanted(sql, request)} and coalesce(available_at, created_at) is null`

const isWanted = (sql: Sql, request: AcquireRequest): Fragment => sql`
  ${isQueuedIn(sql, request)} and coalesce(jobs.priority, 11) = tier.priority and ${isNameable(sql)}
  ${request.job_types === undefined ? sql`` : sql`and job_type = any(${request.job_types})`}
  ${request.owner_user_id === undefined ? sql`` : sql`and owner_user_id = ${request.owner_user_id}`}`

const leasedSteps = (sql: Sql): Fragment => sql`
  select
    id, domain, queue, job_type, owner_user_id, trace_id, 'job.acquired' as event_type,
    jsonb_build_object('worker_id', worker_id, 'retry_count', retry_count, 'leased_until', ${wireTime(sql, sql`leased_until`)}) as attrs
  from leased
  order by coalesce(priority, 11), coalesce(available_at, created_at), id`

/** Jobs whose dependency another program ended badly: a server cancels them in the statement that ends it. */
const dropDoomed = ({ sql, ...call }: Call, request: AcquireRequest) => sql`
  with recursive
  ended (uuid, status) as materialized (
    select distinct needed.uuid, needed.status
    from ${priorities(sql)}
    cross join lateral (
      select uuid
      from jobs
      where ${isDue(sql, request)} and ${isDoomed(sql)}
      limit 100
    ) as waiting
    cross join lateral (
      select jobs.uuid, jobs.status
      from job_dependencies edge
      join jobs on jobs.uuid = edge.depends_on_job_uuid
      where edge.job_uuid = waiting.uuid and jobs.status in ${badEnds(sql)}
      offset 0
    ) as needed
  ),
  ${cascade(sql)}
  ${tellSteps(sql, call, droppedSteps(sql))}`

/** Milliseconds until the next job of the queue is due or the next lease runs out. */
async function nextDueMs({ sql }: Call, queue: Queue): Promise<number> {
  const [row] = await sql<[{ ms: number | null }]>`
    select (extract(epoch from least(
      (
        select min(next.due)
        from ${priorities(sql)}
        cross join lateral (
          select coalesce(available_at, created_at) as due
          from jobs
          where ${isQueuedIn(sql, queue)} and coalesce(jobs.priority, 11) = tier.priority
            and coalesce(available_at, created_at) > now()
          order by coalesce(available_at, created_at)
          limit 1
        ) as next
      ),
      (
        select ${leaseEnd(sql)}
        from jobs
        where ${isRunningIn(sql, queue)} and ${leaseEnd(sql)} > now()
        order by ${leaseEnd(sql)}
        limit 1
      )
    ) - now()) * 1000)::float8 as ms`
  // A millisecond more, since timers may fire a little early.
  return row.ms === null ? pollMs : row.ms + 1
}
