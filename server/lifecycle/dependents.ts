import { assumeManyRows, hasIdAmong } from '../database/planner-hints.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

/** The ends after which what depends on a job can never run. */
export const failedEnds = (sql: Sql): Fragment => sql.unsafe(`('failed', 'cancelled', 'quarantined')`)

/**
 * True for a row of `jobs` that must wait for another. One that is gone had ended: a prune takes its edges
 * along, all but those that are being made at that moment. The offset keeps the planner from joining all
 * edges there are: only those of the few rows that are looked at are read.
 */
export const isBlocked = staticFragment(
  (sql) => sql`
  exists (
    select from job_dependencies edge
    join jobs needed on needed.uuid = edge.depends_on_job_uuid
    where edge.job_uuid = jobs.uuid and needed.status <> 'completed'
    offset 0
  )`,
)

/** True for a row of `jobs` that waits for what will never be completed. */
export const canNeverRun = staticFragment(
  (sql) => sql`
  exists (
    select from job_dependencies edge
    join jobs needed on needed.uuid = edge.depends_on_job_uuid
    where edge.job_uuid = jobs.uuid and needed.status in ${failedEnds(sql)}
    offset 0
  )`,
)

/** The queued jobs that need the job `of`, as `(uuid, domain, queue)`: read edge by edge, whatever the planner thinks. */
export const dependentsOf = (sql: Sql, of: Fragment): Fragment => sql`
  lateral (
    select dependent.uuid, dependent.domain, dependent.queue
    from job_dependencies edge
    cross join lateral (select uuid, domain, queue, status from jobs where jobs.uuid = edge.job_uuid offset 0) as dependent
    where edge.depends_on_job_uuid = ${of} and dependent.status = 'queued'
    offset 0
  )`

/**
 * CTEs of a statement `with recursive`: `doomed (uuid, reason)`, the queued jobs that depend on a job of
 * `ended (uuid, status)`, and so on down; and `dropped`, which cancels them. A job that the statement ends
 * itself must be in `ended`, since a statement changes a row once. `dropped` has the `image` of each job, too, if that
 * is asked for: as it was `before`, and `after`.
 */
export const cascade = (sql: Sql, image?: Fragment): Fragment => (image ? cascadeWith(sql, image) : cascadeWithout(sql))

const cascadeWith = (sql: Sql, image: Fragment): Fragment => sql`
  doomed (uuid, reason) as (
    select dependent.uuid, 'dependency_' || ended.status
    from ended
    cross join ${dependentsOf(sql, sql`ended.uuid`)} as dependent
    where ended.status in ${failedEnds(sql)}
      and not exists (select from ended other where other.uuid = dependent.uuid)
    union
    select dependent.uuid, 'dependency_cancelled'
    from doomed
    cross join ${dependentsOf(sql, sql`doomed.uuid`)} as dependent
    where not exists (select from ended where ended.uuid = dependent.uuid)
  ),
  dropping as materialized (
    select job.id, last.reason, job.before
    from (select uuid, min(reason) as reason from doomed group by uuid) as last
    cross join lateral (select id, status, ${image} as before from jobs where jobs.uuid = last.uuid offset 0 for update) as job
    cross join ${assumeManyRows(sql)}
    where job.status = 'queued'
  ),
  dropped as (
    update jobs
    set status = 'cancelled', cancelled_at = now(), cancellation_reason = dropping.reason, completed_at = null,
        leased_until = null, lease_id = null, worker_id = null
    from dropping
    where ${hasIdAmong(sql, sql`select id from dropping`)} and jobs.id = dropping.id
    returning jobs.id, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id, jobs.cancellation_reason,
      dropping.before, ${image} as after
  )`

const cascadeWithout = staticFragment((sql) => cascadeWith(sql, sql`null::jsonb`))

/** The events of `dropped`. */
export const droppedEvents = staticFragment(
  (sql) => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, 'job.cancelled' as event_type,
    jsonb_build_object('reason', cancellation_reason, 'terminal', true) as attrs
  from (select * from dropped order by id) as dropped`,
)
