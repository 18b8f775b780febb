import { mostLeased } from '../../../shared/explain/phrases.ts'
import type { Finding } from '../../../shared/explain/reason.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import { isInState } from '../../database/job-filter.ts'
import { inScope, isWithin, type Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { placeOf, servedBy } from '../../engines/served.ts'
import { isBlockedWithin } from '../../lifecycle/dependents/dependents.ts'
import { isQueuedIn, isRunningIn, leaseEnd, priorities, type Queue } from '../../lifecycle/lease/due.ts'

/** The line of jobs of a queue. */
export interface Line {
  now: string
  /** The job that is due for the longest time. */
  oldest_wait: { id: JobId; due_since: string; seconds: number } | null
  /** When the next job falls due; null without one. */
  next_due_at: string | null
  next_due_in: number | null
  /** Jobs under a valid lease and their workers, at most 10,000. */
  leased: number
  workers: number
  /** Jobs of another engine that wait for others, at most 10,000; absent for jobs of our own. */
  blocked?: number
}

/** The most jobs that are looked at for one that waits for no other job. */
const mostBlocked = 2000

interface Row extends Omit<Line, 'oldest_wait'> {
  id: JobId | null
  due_since: string | null
  seconds: number | null
}

/** Reads the two ends of the line from the index of acquire, one entry for each priority, and the running jobs. */
export async function readLine(sql: Sql, queue: Within<Queue>): Promise<Line> {
  if (servedBy(sql).mode !== 'own') {
    const place = placeOf(sql, queue.domain)
    const { running = 0, blocked = 0, ...ends } = (await place?.adapter.line(place.of, [place.found], queue)) ?? noLine
    if (queue.within === undefined || queue.within.job_types.length === 0)
      return { ...lineOf({ ...ends, leased: running, workers: 0 }), blocked }
    // The line of an engine has the jobs of all types, of which the caller may not see some.
    return lineOf({ ...noLine, now: ends.now, leased: await countRunning(sql, queue), workers: 0 })
  }
  const [row] = await sql<[Row]>`
    select
      now() as now, oldest.*, next.*, running.*
    from (select) as one
    left join lateral (
      select first.id, first.due as due_since, extract(epoch from now() - first.due)::float8 as seconds
      from ${priorities(sql)}
      cross join lateral (
        select id, coalesce(available_at, created_at) as due
        from jobs
        where ${isQueuedIn(sql, queue)} and coalesce(jobs.priority, 11) = tier.priority
          and coalesce(available_at, created_at) <= now() and coalesce(available_at, created_at) > '-infinity' ${isWithin(sql, queue.within)}
        order by coalesce(available_at, created_at), id
        limit 1
      ) as first
      order by first.due
      limit 1
    ) as oldest on true
    left join lateral (
      select min(first.due) as next_due_at, extract(epoch from min(first.due) - now())::float8 as next_due_in
      from ${priorities(sql)}
      cross join lateral (
        select coalesce(available_at, created_at) as due
        from jobs
        where ${isQueuedIn(sql, queue)} and coalesce(jobs.priority, 11) = tier.priority
          and coalesce(available_at, created_at) > now() and coalesce(available_at, created_at) < 'infinity' ${isWithin(sql, queue.within)}
        order by coalesce(available_at, created_at)
        limit 1
      ) as first
    ) as next on true
    left join lateral (
      select count(*) as leased, count(distinct worker_id) as workers
      from (
        select worker_id
        from jobs
        where ${isRunningIn(sql, queue)} and ${leaseEnd(sql)} > now() ${isWithin(sql, queue.within)}
        limit ${sql.unsafe(String(mostLeased))}
      ) as leases
    ) as running on true`
  return lineOf(row)
}

/** The running jobs of a queue of another engine within the scope of the caller. */
async function countRunning(sql: Sql, queue: Within<Queue>): Promise<number> {
  const [{ running }] = await sql<[{ running: number }]>`
    select count(*) as running
    from (
      select from jobs where ${isInState(sql, 'processing')} ${inScope(sql, queue)} limit ${sql.unsafe(String(mostLeased))}
    ) as jobs`
  return running
}

/** The line of a queue in a domain that is not served. */
const noLine = {
  now: '',
  id: null,
  due_since: null,
  seconds: null,
  next_due_at: null,
  next_due_in: null,
  running: 0,
  blocked: 0,
}

function lineOf({ id, due_since, seconds, ...line }: Row): Line {
  const oldest_wait = id === null || due_since === null || seconds === null ? null : { id, due_since, seconds }
  return { ...line, oldest_wait }
}

/** Whether all due jobs of a queue wait for other jobs, as far as the first 2,000 of them show. */
export async function findBlocked(sql: Sql, queue: Within<Queue>, { oldest_wait, blocked }: Line): Promise<Finding[]> {
  if (blocked !== undefined)
    return blocked > 0 && oldest_wait === null
      ? [{ code: 'all_blocked', facts: { jobs: blocked, complete: blocked < mostLeased } }]
      : []
  if (oldest_wait === null) return []
  const [free] = await sql`select from (${firstInLine(sql, queue)}) as first where not blocked limit 1`
  if (free) return []
  const [{ jobs }] = await sql<[{ jobs: number }]>`select count(*) as jobs from (${firstInLine(sql, queue)}) as first`
  return jobs === 0 ? [] : [{ code: 'all_blocked', facts: { jobs, complete: jobs < mostBlocked } }]
}

/** The due jobs in the order in which they are picked, at most 2,000, as `(blocked)`. */
const firstInLine = (sql: Sql, queue: Within<Queue>): Fragment => sql`
  select due.blocked
  from ${priorities(sql)}
  cross join lateral (
    select ${isBlockedWithin(sql, queue.within)} as blocked
    from jobs
    where ${isQueuedIn(sql, queue)} and coalesce(jobs.priority, 11) = tier.priority
      and coalesce(available_at, created_at) <= now() ${isWithin(sql, queue.within)}
    order by coalesce(available_at, created_at), id
    limit ${sql.unsafe(String(mostBlocked))}
  ) as due
  limit ${sql.unsafe(String(mostBlocked))}`
