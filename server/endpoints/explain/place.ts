import type { Sql } from '../../database/sql.ts'
import { isQueuedIn, priorities, type Queue } from '../../lifecycle/due.ts'

/** The most jobs that are counted. */
const mostCounted = 10_000

/** The due jobs of a queue that are taken before a job. */
interface Place {
  ahead: number
  /** False where there are more than 10,000. */
  exact: boolean
}

/**
 * Counts the due jobs before a queued job, in the order in which jobs are picked: by priority, by the time at which they fell
 * due, and by id. Jobs without any time come last within their priority.
 */
export async function placeOf(sql: Sql, queue: Queue, id: number): Promise<Place> {
  const [{ ahead }] = await sql<[{ ahead: number }]>`
    with own as materialized (
      select coalesce(priority, 11) as priority, coalesce(available_at, created_at) as due
      from jobs
      where id = ${id}::bigint
    )
    select count(*) as ahead
    from (
      select
      from own
      cross join ${priorities(sql)}
      cross join lateral (
        select from (
          select
          from jobs
          where ${isQueuedIn(sql, queue)} and coalesce(jobs.priority, 11) = tier.priority
            and coalesce(available_at, created_at) <= now()
            and (
              tier.priority < own.priority or own.due is null
              or (coalesce(available_at, created_at), id) < (own.due, ${id}::bigint)
            )
          limit ${sql.unsafe(String(mostCounted + 1))}
        ) as due
        union all
        select from (
          select
          from jobs
          where ${isQueuedIn(sql, queue)} and coalesce(jobs.priority, 11) = tier.priority
            and coalesce(available_at, created_at) is null
            and (tier.priority < own.priority or (own.due is null and id < ${id}::bigint))
          limit ${sql.unsafe(String(mostCounted + 1))}
        ) as timeless
      ) as earlier
      where tier.priority <= own.priority
      limit ${sql.unsafe(String(mostCounted + 1))}
    ) as counted`
  return { ahead: Math.min(ahead, mostCounted), exact: ahead <= mostCounted }
}
