import type { AcquireRequest } from '../../shared/work/acquire.ts'
import type { Call } from '../call.ts'
import { hasSafeId } from '../database/planner-hints.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

export interface Queue {
  domain: string
  queue: string
}

/**
 * Jobs of one queue as the indexes `jobsctl_next` and `jobsctl_queue_leases` have them. The names of a queue
 * have no control characters, so that one of these can stand between them.
 */
const inQueue = (sql: Sql, { domain, queue }: Queue): Fragment => sql`
  domain || chr(31) || queue = ${`${domain}\u001f${queue}`}`

/** Queued in this queue. */
const isQueuedIn = (sql: Sql, queue: Queue): Fragment => sql`
  (status = 'queued') is true and ${inQueue(sql, queue)}`

/** Running in this queue. */
export const isRunningIn = (sql: Sql, queue: Queue): Fragment => sql`
  (status = 'processing') is true and ${inQueue(sql, queue)}`

/** When a lease runs out; one without a time has run out. */
export const leaseEnd = staticFragment((sql) => sql`coalesce(leased_until, '-infinity')`)

/** From the first to run to the last; a job without a priority comes after all others. */
export const priorities = staticFragment((sql) => sql`generate_series(1, 11) as tier (priority)`)

/**
 * Queued and due in the queue, and what the worker takes, of one priority. Asked for each priority on its own,
 * since what is scheduled for later would lie in the way of a lower priority that is due.
 */
export const isDue = (sql: Sql, request: AcquireRequest): Fragment => sql`
  ${isWanted(sql, request)} and coalesce(available_at, created_at) <= now()`

/** The same of those that another program has given no time at all: the last of their priority. */
export const isTimeless = (sql: Sql, request: AcquireRequest): Fragment => sql`
  ${isWanted(sql, request)} and coalesce(available_at, created_at) is null`

const isWanted = (sql: Sql, request: AcquireRequest): Fragment => sql`
  ${isQueuedIn(sql, request)} and coalesce(jobs.priority, 11) = tier.priority and ${hasSafeId(sql)}
  ${request.job_types === undefined ? sql`` : sql`and job_type = any(${request.job_types})`}
  ${request.owner_user_id === undefined ? sql`` : sql`and owner_user_id = ${request.owner_user_id}`}`

/** Milliseconds until the next job of the queue is due or the next lease runs out, an hour at most: either may be infinite. */
export async function nextDueMs({ sql }: Call, queue: Queue): Promise<number> {
  const [row] = await sql<[{ ms: number }]>`
    select (extract(epoch from least(
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
  // A millisecond more, since timers may fire a little early.
  return row.ms + 1
}
