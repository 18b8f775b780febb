import { prunableStatuses } from '../../shared/changes/prune.ts'
import { inScope, type Narrowed } from '../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'
import { type EngineTarget, engineTarget } from './engine/target.ts'
import { inPart, type Part } from './part.ts'

const statuses = prunableStatuses.map((status) => `'${status}'`).join(', ')

/** Why an archived row, with the alias `jobs`, cannot be restored; null where it can. */
function obstacle(sql: Sql): Fragment {
  const target = engineTarget(sql)
  return target
    ? sql`case when ${isPrunable(sql)} then ${target.writes.obstacle(sql, target.found)} else ${changed(sql)} end`
    : ownObstacle(sql)
}

const isPrunable = staticFragment((sql) => sql`(jobs.status in (${sql.unsafe(statuses)}))`)
const changed = staticFragment(
  (sql) => sql`'its archived row has a status that no prune takes: somebody has changed the row'`,
)

const ownObstacle = staticFragment(
  (sql) => sql`
  case
    when ${isPrunable(sql)} is not true then ${changed(sql)}
    when exists (select from jobs live where live.id = jobs.id offset 0) then 'its id is taken'
    when exists (select from jobs live where live.uuid = jobs.uuid offset 0) then 'its uuid is taken'
    when exists (
      select from jobs live
      where live.domain = jobs.domain and live.queue = jobs.queue and live.job_type = jobs.job_type
        and live.idempotency_key = jobs.idempotency_key
      offset 0
    ) then 'its idempotency key was used again'
  end`,
)

/**
 * True for an archived row, with the alias `jobs`, that can be restored.
 * @param scope of the prune: a row outside was never deleted by it
 */
export const canBeRestored = (sql: Sql, scope: Narrowed): Fragment =>
  sql`(${obstacle(sql)}) is null and (true ${inScope(sql, scope)}) is true`

/**
 * True for an archived job of another engine, with the alias `jobs`, that can come back in this batch. The search has judged the same version of the
 * row, since one that somebody changes gets another tid, and the insertion looks whether the place of the job is free.
 */
export const canComeBackNow = (sql: Sql, { writes, found }: Pick<EngineTarget, 'writes' | 'found'>): Fragment =>
  writes.failsLater ? sql`not ${writes.failsLater(sql, found)}` : sql`(${writes.obstacle(sql, found)}) is null`

/** A query of the archived jobs of a part of an operation that cannot be restored, as `(job_id, reason)`. */
export const whyNotRestored = (sql: Sql, operation: number, part: Part, scope: Narrowed): Fragment => sql`
  select job_id, reason
  from (
    select
      jobs.id as job_id,
      case
        when (true ${inScope(sql, scope)}) is not true
          then 'its archived row lies outside of the scope of the operation: somebody has changed the row'
        else ${obstacle(sql)}
      end as reason
    from jobs_archive as jobs
    where operation_id = ${operation}::bigint ${inPart(sql, part, sql`jobs.id`)}
  ) as checked
  where reason is not null`
