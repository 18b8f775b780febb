import type { Fragment, Sql } from '../database/sql.ts'

/** The ends after which what depends on a job can never run. */
export const badEnds = (sql: Sql): Fragment => sql.unsafe(`('failed', 'cancelled', 'quarantined')`)

/** True for a row of `jobs` that must wait for another, or for ever. */
export const isBlocked = (sql: Sql): Fragment => sql`
  exists (
    select from job_dependencies edge
    left join jobs needed on needed.uuid = edge.depends_on_job_uuid
    where edge.job_uuid = jobs.uuid and needed.status is distinct from 'completed'
  )`

/**
 * Two CTEs of a statement `with recursive`: `doomed (uuid, reason)`, the queued jobs that depend on a
 * job of `ended (uuid, status)`, and so on down; and `dropped`, which cancels them. A job that the
 * statement ends itself must be in `ended`, since a statement changes a row once.
 */
export const cascade = (sql: Sql): Fragment => sql`
  doomed (uuid, reason) as (
    select dependent.uuid, 'dependency_' || ended.status
    from ended
    join job_dependencies edge on edge.depends_on_job_uuid = ended.uuid
    join jobs dependent on dependent.uuid = edge.job_uuid and dependent.status = 'queued'
    where ended.status in ${badEnds(sql)}
    union
    select dependent.uuid, 'dependency_cancelled'
    from doomed
    join job_dependencies edge on edge.depends_on_job_uuid = doomed.uuid
    join jobs dependent on dependent.uuid = edge.job_uuid and dependent.status = 'queued'
  ),
  dropped as (
    update jobs
    set status = 'cancelled', cancelled_at = now(), cancellation_reason = last.reason, completed_at = null,
        leased_until = null, lease_id = null, worker_id = null
    from (select uuid, min(reason) as reason from doomed group by uuid) as last
    where jobs.uuid = last.uuid
      and jobs.status = 'queued'
      and not exists (select from ended where ended.uuid = jobs.uuid)
    returning jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id,
      jobs.cancellation_reason
  )`

/** The events of `dropped`. */
export const droppedSteps = (sql: Sql): Fragment => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, 'job.cancelled' as event_type,
    jsonb_build_object('reason', cancellation_reason, 'terminal', true) as attrs
  from dropped`
