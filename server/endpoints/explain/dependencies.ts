import { mostNeeded } from '../../../shared/explain/phrases.ts'
import type { Finding, GoneJob, NeededJob } from '../../../shared/explain/reason.ts'
import type { Acting } from '../../call.ts'
import { isWithin } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { isNeededWithin, neededBy } from '../../lifecycle/dependents/dependents.ts'

/** The most dependencies that are named. */
const mostNamed = 20
/** The most edges that are walked to find a circle. */
const mostWalked = 1000

/** The ends of a job after which its dependents are cancelled. */
export const endedBadly = ['failed', 'cancelled', 'quarantined']

/**
 * The jobs that a job waits for, and whether they can ever be completed. A job that was deleted blocks nothing, but where edges have
 * a snapshot of it (`neededBy`). A job outside of the scope of the caller does not exist.
 */
export async function findDependencies(
  sql: Sql,
  { uuid, within }: { uuid: string | null; within: Acting['within'] },
): Promise<Finding[]> {
  if (uuid === null) return []
  // Each kind of jobs has a limit of its own, so that a count below it is exact.
  const of = (isEnded: boolean) => sql`
    (
      select needed.id, needed.uuid, needed.domain, coalesce(needed.status, 'unknown') as status
      from job_dependencies edge
      cross join lateral (
        select id, uuid, domain, status from jobs where jobs.uuid = edge.depends_on_job_uuid ${isWithin(sql, within)} offset 0
      ) as needed
      where edge.job_uuid = ${uuid}::text and needed.status is distinct from 'completed'
        and (coalesce(needed.status, 'unknown') = any(${[...endedBadly]}::text[])) = ${isEnded}::boolean
      order by needed.id
      limit ${mostNeeded}
    )`
  const needed = await sql<NeededJob[]>`${of(true)} union all ${of(false)}`
  const gone = await sql<GoneJob[]>`
    select needed.uuid, needed.status
    from ${neededBy(sql, sql`${uuid}::text`)}
    where not needed.is_live and needed.status <> 'completed' ${isNeededWithin(sql, within)}
    order by needed.uuid
    limit ${mostNeeded}`
  const ended = needed.filter(({ status }) => endedBadly.includes(status))
  const waiting = needed.filter(({ status }) => !endedBadly.includes(status))
  return [
    ...(waiting.length > 0 ? [{ code: 'waits_for_jobs' as const, facts: factsOf(waiting) }] : []),
    ...(ended.length > 0 ? [{ code: 'dependency_ended' as const, facts: factsOf(ended) }] : []),
    ...(gone.length > 0
      ? [{ code: 'dependency_gone' as const, facts: { count: gone.length, jobs: gone.slice(0, mostNamed) } }]
      : []),
    ...(waiting.length > 0 && (await isInCircle(sql, uuid, within))
      ? [{ code: 'dependency_cycle' as const, facts: { uuid } }]
      : []),
  ]
}

const factsOf = (jobs: readonly NeededJob[]) => ({ count: jobs.length, jobs: jobs.slice(0, mostNamed) })

/** Whether the dependencies of a job, over jobs that are not completed, lead back to the job. Other programs may write such edges. */
async function isInCircle(sql: Sql, uuid: string, within: Acting['within']): Promise<boolean> {
  const [row] = await sql<[{ found: boolean }]>`
    with recursive walked (uuid) as (
      select ${uuid}::text
      union
      select next.uuid
      from walked
      cross join lateral (
        select needed.uuid
        from job_dependencies edge
        cross join lateral (
          select uuid, status from jobs where jobs.uuid = edge.depends_on_job_uuid ${isWithin(sql, within)} offset 0
        ) as needed
        where edge.job_uuid = walked.uuid and needed.status is distinct from 'completed'
        offset 0
      ) as next
    ),
    -- A recursive query stops when nobody reads more of its rows.
    first as (select uuid from walked limit ${mostWalked})
    select exists (
      select
      from first
      join job_dependencies edge on edge.job_uuid = first.uuid and edge.depends_on_job_uuid = ${uuid}::text
    ) as found`
  return row.found
}
