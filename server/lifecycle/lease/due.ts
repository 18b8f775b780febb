import type { AcquireRequest } from '../../../shared/work/acquire.ts'
import type { ServerContext } from '../../call.ts'
import { namesOf } from '../../database/connection/schema-names.ts'
import { isInState } from '../../database/job-filter.ts'
import { hasSafeId } from '../../database/planner-hints.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'

/** One queue: its domain and its name. */
export interface Queue {
  domain: string
  queue: string
}

/**
 * Jobs of one queue, in the form that the indexes `jobsctl_next` and `jobsctl_queue_leases` have. A control character
 * separates domain and queue, because neither may contain one. The domain alone names the partitions of a table with partitions by domain.
 * The indexes of another engine have the queue alone.
 */
const inQueue = (sql: Sql, { domain, queue }: Queue): Fragment => sql`
  ${namesOf(sql)?.jobs ? sql`queue = ${queue}` : sql`domain || chr(31) || queue = ${`${domain}\u001f${queue}`}`} and domain = ${domain}`

/** True for a row of `jobs` that is queued and belongs to the queue. */
export const isQueuedIn = (sql: Sql, queue: Queue): Fragment => sql`
  (${isInState(sql, 'queued')}) is true and ${inQueue(sql, queue)}`

/** True for a row of `jobs` that is being processed and belongs to the queue. */
export const isRunningIn = (sql: Sql, queue: Queue): Fragment => sql`
  (${isInState(sql, 'processing')}) is true and ${inQueue(sql, queue)}`

/** The time at which the lease of a row of `jobs` expires; a lease without a time has expired. */
export const leaseEnd = staticFragment((sql) => sql`coalesce(leased_until, '-infinity')`)

/** All priorities as `tier (priority)`, the one that runs first on top; 11 stands for jobs without a priority. */
export const priorities = staticFragment((sql) => sql`generate_series(1, 11) as tier (priority)`)

/**
 * True for a row of `jobs` that is due and that the worker takes, within the priority of `tier (priority)`, which the
 * statement must have. Each priority is read separately: otherwise scheduled jobs of a higher priority would have to be
 * skipped one by one before a due job of a lower priority is found.
 */
export const isDue = (sql: Sql, request: AcquireRequest): Fragment => sql`
  ${isWanted(sql, request)} and coalesce(available_at, created_at) <= now()`

/** As `isDue`, for jobs that another program inserted without any time: they come last within their priority. */
export const isTimeless = (sql: Sql, request: AcquireRequest): Fragment => sql`
  ${isWanted(sql, request)} and coalesce(available_at, created_at) is null`

const isWanted = (sql: Sql, request: AcquireRequest): Fragment => sql`
  ${isQueuedIn(sql, request)} and coalesce(jobs.priority, 11) = tier.priority and ${hasSafeId(sql)}
  ${request.job_types === undefined ? sql`` : sql`and job_type = any(${request.job_types})`}
  ${request.owner_user_id === undefined ? sql`` : sql`and owner_user_id = ${request.owner_user_id}`}`

/** Milliseconds until the next job of the queue is due or its next lease expires; at most an hour. */
export async function nextDueMs({ sql }: Pick<ServerContext, 'sql'>, queue: Queue): Promise<number> {
  const [row] = await sql<[{ ms: number }]>`
    select (extract(epoch from least(
      -- Either of the two times may be infinite.
      now() + interval '1 hour',
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
  // One millisecond more, since a timer of Node may fire up to a millisecond early.
  return row.ms + 1
}
