import type { JobId } from '../../../shared/work/job-key.ts'
import { isWithin, type Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { placeOf, servedBy } from '../../engines/served.ts'
import { isQueuedIn, type Queue } from '../../lifecycle/lease/due.ts'

/** The most jobs that are counted. */
const mostCounted = 10_000
const limit = `limit ${mostCounted + 1}`

/** The due jobs of a queue that are taken before a job. */
interface PositionInLine {
  ahead: number
  /** False where there are more than 10,000. */
  exact: boolean
}

interface QueuedJob extends Within<Queue> {
  id: JobId
  /** 11 for a job without a priority. */
  tier: number
  /** When the job falls due; null for a job without any time. */
  due_at: string | null
}

/**
 * Counts the due jobs before a queued job, in the order in which jobs are picked: by priority, by the time at which they fell
 * due, and by id; only those within the scope of the caller. Jobs without any time come last within their priority. Each part of the line is a range of the index of acquire.
 */
export async function positionInLine(sql: Sql, job: QueuedJob): Promise<PositionInLine> {
  if (servedBy(sql).mode !== 'own') {
    const place = placeOf(sql, job.domain)
    const before = (await place?.adapter.ahead(place.of, [place.found], job, mostCounted)) ?? 0
    return { ahead: Math.min(before, mostCounted), exact: before <= mostCounted }
  }
  const { id, tier, due_at } = job
  const before = (tiers: Fragment, where: Fragment) => sql`
    select from ${tiers} as tier (priority)
    cross join lateral (
      select
      from jobs
      where ${isQueuedIn(sql, job)} and coalesce(jobs.priority, 11) = tier.priority and ${where} ${isWithin(sql, job.within)}
      ${sql.unsafe(limit)}
    ) as earlier`
  const higher = sql`generate_series(1, ${tier}::int - 1)`
  const own = sql`generate_series(${tier}::int, ${tier}::int)`
  const due = sql`coalesce(available_at, created_at)`
  const isDue = sql`${due} <= now()`
  const [{ ahead }] = await sql<[{ ahead: number }]>`
    select count(*) as ahead
    from (
      ${before(higher, isDue)}
      union all
      ${before(higher, sql`${due} is null`)}
      union all
      ${before(own, due_at === null ? isDue : sql`${isDue} and (${due}, id) < (${due_at}::text::timestamptz, ${id}::job_id)`)}
      ${due_at === null ? sql`union all ${before(own, sql`${due} is null and id < ${id}::job_id`)}` : sql``}
      ${sql.unsafe(limit)}
    ) as line`
  return { ahead: Math.min(ahead, mostCounted), exact: ahead <= mostCounted }
}
