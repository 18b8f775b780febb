import { mostNeeded, mostRelated } from '../../../shared/explain/phrases.ts'
import type { Finding } from '../../../shared/explain/reason.ts'
import type { RelatedJob } from '../../../shared/jobs/show.ts'
import { keyText } from '../../../shared/work/job-key.ts'
import { isWithin, type Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineJob, JobSurroundings } from '../adapter.ts'
import type { Found } from '../found.ts'
import { placeWith } from '../parts/in-places.ts'
import { parseKey } from './key.ts'
import { findLimits } from './limits.ts'
import { keyOf, statusOf } from './projection.ts'

/** The most children that a reason names. */
const mostNamed = 20
/** The newest lines of the log of a job that are shown. */
const mostLines = 100

interface Native {
  /** The schema, as a part of a statement. */
  of: Fragment
  queue: string
  id: string
}

function nativeOf(sql: Sql, found: readonly Found[], { id, domain }: EngineJob): Native | undefined {
  const place = placeWith(found, { domain })
  const key = parseKey(String(id))
  return place && key && { of: sql.unsafe(place.schema), ...key }
}

interface Child {
  queue: string
  id: string
  /** Null for a job that was deleted. */
  status: string | null
}

/** What keeps a job from running: limits of its queue, and the children of its flow that have not completed, within the scope of the caller. */
export async function findReasons(sql: Sql, found: readonly Found[], job: Within<EngineJob>): Promise<Finding[]> {
  const native = nativeOf(sql, found, job)
  if (!native) return []
  const { of, queue, id } = native
  // Each kind of children has a limit of its own, so that a count below it is exact.
  const children = await sql<Child[]>`
    select queue, id, status
    from (
      select
        queue, id, status, row_number() over (partition by status is null, status = 'failed' order by queue, id) as place
      from (
        select ${job.domain}::text as domain, edge.child_queue as queue, edge.child_id as id, child.job_type, child.status
        from ${of}.job as j
        join ${of}.job_dependency as edge on edge.parent_queue = j.queue and edge.parent_id = j.id
        left join lateral (
          select ${sql.unsafe(statusOf('c.state'))} as status, c.name as job_type
          from ${of}.job as c
          where c.queue = edge.child_queue and c.id = edge.child_id
          offset 0
        ) as child on true
        where j.queue = ${queue}::text and j.id = ${id}::text and j.state = 'waiting-children' and edge.status in ('pending', 'failed')
      ) as edges
      where true ${isWithin(sql, job.within)}
    ) as children
    where place <= ${mostNeeded}
    order by queue, id`
  const listed = (some: readonly Child[]) => ({
    count: some.length,
    jobs: some.slice(0, mostNamed).map((child) => ({
      id: keyText(child),
      uuid: keyText(child),
      domain: job.domain,
      status: child.status ?? 'missing',
    })),
  })
  const gone = children.filter(({ status }) => status === null)
  const failed = children.filter(({ status }) => status === 'failed')
  const live = children.filter((child) => !gone.includes(child) && !failed.includes(child))
  return [
    ...(await findLimits(sql, found, { domain: job.domain, queue, id })),
    ...(live.length > 0 ? [{ code: 'waits_for_jobs' as const, facts: listed(live) }] : []),
    ...(failed.length > 0 ? [{ code: 'dependency_ended' as const, facts: listed(failed) }] : []),
    ...(gone.length > 0
      ? [
          {
            code: 'dependency_gone' as const,
            // A parent that waits for its children is not cancelled.
            remedy: null,
            facts: { count: gone.length, jobs: listed(gone).jobs.map(({ uuid, status }) => ({ uuid, status })) },
          },
        ]
      : []),
  ]
}

/** The children of a job, first those that have not completed, its parent, and the newest lines of its log. Jobs outside of the scope of the caller are left out. */
export async function readSurroundings(
  sql: Sql,
  found: readonly Found[],
  job: Within<EngineJob>,
): Promise<JobSurroundings> {
  const native = nativeOf(sql, found, job)
  if (!native) return { depends_on: [], dependents: [], log: [] }
  const { of, queue, id } = native
  const related = (edge: Fragment, end: 'child' | 'parent') => {
    const key = sql.unsafe(keyOf(`edge.${end}_queue`, `edge.${end}_id`))
    return sql<RelatedJob[]>`
      select uuid, id, coalesce(status, 'missing') as status, false as archived
      from (
        select
          ${key} as uuid, case when other.status is not null then ${key} end as id, other.status,
          ${job.domain}::text as domain, edge.${sql(`${end}_queue`)} as queue, other.name as job_type
        from ${of}.job_dependency as edge
        left join lateral (
          select ${sql.unsafe(statusOf('o.state'))} as status, o.name
          from ${of}.job as o
          where o.queue = edge.${sql(`${end}_queue`)} and o.id = edge.${sql(`${end}_id`)}
          offset 0
        ) as other on true
        where ${edge}
      ) as related
      where true ${isWithin(sql, job.within)}
      order by status is not distinct from 'completed', uuid
      limit ${mostRelated + 1}`
  }
  const [lines, children, parents] = await Promise.all([
    sql<{ line: string }[]>`
      select row as line
      from ${of}.job_log
      where queue = ${queue}::text and job_id = ${id}::text
      order by idx desc
      limit ${mostLines}`,
    related(sql`edge.parent_queue = ${queue}::text and edge.parent_id = ${id}::text`, 'child'),
    related(sql`edge.child_queue = ${queue}::text and edge.child_id = ${id}::text`, 'parent'),
  ])
  return {
    depends_on: [...children],
    dependents: [...parents],
    log: lines.map(({ line }) => line).toReversed(),
  }
}
