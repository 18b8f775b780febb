import type { JobId } from '../../shared/work/job-key.ts'
import type { BatchContext, BatchCounts } from '../bulk/change/bulk-change.ts'
import { idSelection } from '../bulk/change/selection.ts'
import type { Narrowed } from '../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'
import { failedEnds } from '../lifecycle/dependents/dependents.ts'
import type { HoldTerm } from './hold-restored.ts'
import { inPart, type Part } from './part.ts'
import { canBeRestored } from './restorable.ts'
import { isUnchangedSinceChange, restoreColumns } from './restore-columns.ts'
import { saveRowImages } from './row-images.ts'

/**
 * An INSERT that keeps the images of the CTE `dropped`, the jobs that a prune cancels since they depend on one that it deletes. `before` has
 * as `needs` the uuids of these, whose edges are deleted with them: without them the job would run. Needs the CTE `ended`.
 */
export const saveAlong = (sql: Sql, context: { operation: number }): Fragment =>
  saveRowImages(
    sql,
    context,
    sql`
      select id, before || jsonb_build_object('needs', needs.uuids) as before, after
      from dropped
      cross join lateral (
        select coalesce(jsonb_agg(edge.depends_on_job_uuid), '[]') as uuids
        from job_dependencies edge
        where edge.job_uuid = dropped.uuid
          and edge.depends_on_job_uuid in (select uuid from ended where ended.status in ${failedEnds(sql)})
        offset 0
      ) as needs`,
  )

/**
 * CTEs of a statement `with recursive`: `along (job_id, uuid)`, the jobs that a prune has cancelled along and nobody has changed since;
 * and `lacking (uuid)`, those of them that need a job which is not back, over any number of edges.
 * @param isBack a condition on `needed (uuid)` and `along`: true for a job that is back, or comes back
 */
const alongOf = (sql: Sql, operation: number, isBack: Fragment): Fragment => sql`
  along as materialized (
    select kept.job_ref as job_id, jobs.uuid, kept.before
    from job_operation_rows kept
    join jobs on jobs.id = kept.job_ref
    where kept.operation_id = ${operation}::bigint and ${isUnchangedSinceChange(sql)}
  ),
  lacking (uuid) as (
    select along.uuid
    from along
    where exists (
      select from jsonb_array_elements_text(coalesce(along.before -> 'needs', '[]')) as needed (uuid) where not ${isBack}
    )
    union
    select along.uuid
    from lacking
    join job_dependencies edge on edge.depends_on_job_uuid = lacking.uuid
    join along on along.uuid = edge.job_uuid
  )`

/** Needs the CTEs of `alongOf`. */
const isFree = staticFragment((sql) => sql`not exists (select from lacking where lacking.uuid = along.uuid)`)

const hasEdge = staticFragment(
  (sql) => sql`
  exists (
    select from job_dependencies edge where edge.job_uuid = along.uuid and edge.depends_on_job_uuid = needed.uuid offset 0
  )`,
)

/** Which archived jobs come back: those of a part, within the scope of the prune. */
interface Back {
  part: Part
  scope: Narrowed
}

/**
 * A query of the number of jobs that come back with the archived jobs of a part of a prune.
 * @param only a condition on `jobs`: counts only jobs for which it is true
 */
export const countAlongBack = (sql: Sql, operation: number, back: Back, only: Fragment | undefined): Fragment => sql`
  with recursive
  ${alongOf(sql, operation, comesBack(sql, operation, back))}
  select count(*) from along
  where ${isFree(sql)}
    ${only ? sql`and exists (select from jobs where jobs.id = along.job_id and ${only} offset 0)` : sql``}`

/** A query of the jobs of a part that do not come back, as `(job_id, reason)`, since a job that they need does not. */
export const whyAlongNotBack = (sql: Sql, operation: number, back: Back): Fragment => sql`
  select job_id, reason
  from (
    with recursive
    ${alongOf(sql, operation, comesBack(sql, operation, back))}
    select along.job_id, 'a job that it depends on does not come back' as reason
    from along
    join jobs on jobs.id = along.job_id
    where not ${isFree(sql)} ${inPart(sql, back.part, sql`along.job_id`)}
  ) as lacking`

/** True for a job `needed (uuid)` that is back, or that the undo of a part gives back. A page of its conflicts is no part of it. */
const comesBack = (sql: Sql, operation: number, { part: { between: _, ...part }, scope }: Back): Fragment => sql`(
  ${hasEdge(sql)}
  or exists (
    select from jobs_archive as jobs
    where operation_id = ${operation}::bigint and jobs.uuid = needed.uuid and ${canBeRestored(sql, scope)} ${inPart(sql, part, sql`jobs.id`)}
    offset 0
  )
)`

interface Restore {
  /** The id of the prune. */
  undoes: number
  hold: HoldTerm
}

/**
 * Gives back the jobs that a prune has cancelled along, but for those that wait for a job which is not back. It waits for a job that
 * another transaction holds: no later batch looks for it.
 * @returns `dependents`, their number, and under a scope `dependents_elsewhere`
 */
export async function restoreAlong(
  tx: Sql,
  context: Pick<BatchContext, 'operation' | 'snapshot' | 'requestId' | 'caller' | 'reason' | 'within' | 'optimistic'>,
  { undoes, hold }: Restore,
): Promise<BatchCounts> {
  const free = await tx<{ job_id: JobId }[]>`
    with recursive ${alongOf(tx, undoes, hasEdge(tx))} select job_id from along where ${isFree(tx)}`
  if (free.length === 0) return {}
  const selection = idSelection(free.map(({ job_id }) => job_id))
  const {
    affected = 0,
    withdrawn: _,
    ...elsewhere
  } = await restoreColumns(tx, context, { undoes, selection, hold, waits: true })
  return { dependents: affected, ...elsewhere }
}
