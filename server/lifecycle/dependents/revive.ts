import { hasIdAmong, jobWithUuid } from '../../database/planner-hints.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { failedEnds, neededBy } from './dependents.ts'

/**
 * The cancelled jobs that depend on the job with the uuid `of` and were cancelled because a job that they need had ended
 * badly, as `(uuid)`. The `offset 0` makes PostgreSQL read them edge by edge.
 */
const droppedDependentsOf = (sql: Sql, of: Fragment): Fragment => sql`
  lateral (
    select dependent.uuid
    from job_dependencies edge
    cross join lateral (
      select uuid, status, cancellation_reason, cancel_requested_at from jobs where jobs.uuid = edge.job_uuid offset 0
    ) as dependent
    where edge.depends_on_job_uuid = ${of} and dependent.status = 'cancelled' and dependent.cancel_requested_at is null
      and dependent.cancellation_reason in ('dependency_failed', 'dependency_cancelled', 'dependency_quarantined')
    offset 0
  )`

/**
 * CTEs of a statement `with recursive` that find the jobs which can come back with jobs that run again.
 *
 * Needs `runnable_again (uuid)`, the jobs that run again. Defines `along (uuid)`, all jobs that were cancelled because of
 * them, over any number of edges; and `blocked (uuid)`, those of `along` that another job which ended badly still holds up.
 * The jobs of `along` that are not in `blocked` come back.
 */
export const revivable = staticFragment(
  (sql) => sql`
  along (uuid) as (
    select dependent.uuid
    from runnable_again
    cross join ${droppedDependentsOf(sql, sql`runnable_again.uuid`)} as dependent
    union
    select dependent.uuid
    from along
    cross join ${droppedDependentsOf(sql, sql`along.uuid`)} as dependent
  ),
  blocked (uuid) as (
    select along.uuid
    from along
    where exists (
      select from ${neededBy(sql, sql`along.uuid`)}
      where needed.status in ${failedEnds(sql)}
        and not exists (select from runnable_again where runnable_again.uuid = needed.uuid)
        and not exists (select from along other where other.uuid = needed.uuid)
      offset 0
    )
    union
    select along.uuid
    from blocked
    join job_dependencies edge on edge.depends_on_job_uuid = blocked.uuid
    join along on along.uuid = edge.job_uuid
  )`,
)

/**
 * CTEs that bring back the jobs which `revivable` found, whose CTEs they need. Defines `reviving (id, before)`, the locked
 * rows, and `revived`, which queues them again: the columns that an event needs, `before` and `after`.
 * @param image an expression over a row of `jobs`
 */
export const revive = (sql: Sql, image: Fragment): Fragment => sql`
  reviving as materialized (
    select job.id, job.before
    from (select uuid from along except select uuid from blocked) as free
    cross join lateral (
      select id, status, ${image} as before from jobs where jobs.uuid = free.uuid offset 0 for update
    ) as job
    where job.status = 'cancelled'
  ),
  revived as (
    update jobs
    set status = 'queued', cancelled_at = null, cancellation_reason = null
    from reviving
    where ${hasIdAmong(sql, sql`select id from reviving`)} and jobs.id = reviving.id
    returning jobs.id, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id, reviving.before,
      ${image} as after
  )`

/**
 * A query of the number of jobs that come back with the jobs that match. It starts from the edges: a change may match
 * millions of jobs where few have an edge.
 * @param matches a condition on `jobs`: true for the jobs that the change makes runnable
 * @param only a condition on `jobs`: counts only jobs for which it is true
 */
export const countRevivable = (sql: Sql, matches: Fragment, only: Fragment | undefined): Fragment => sql`
  with recursive
  runnable_again as materialized (
    select needed.uuid
    from (select distinct depends_on_job_uuid as uuid from job_dependencies) as needed
    cross join lateral (select from ${jobWithUuid(sql, sql`needed.uuid`)} where ${matches}) as matched
  ),
  ${revivable(sql)}
  ${only ? countFree(sql, only) : sql`select (select count(*) from along) - (select count(*) from blocked)`}`

/** Needs the CTEs of `revivable`. */
const countFree = (sql: Sql, only: Fragment): Fragment => sql`
  select count(*)
  from (select uuid from along except select uuid from blocked) as free
  where exists (select from jobs where jobs.uuid = free.uuid and ${only} offset 0)`
