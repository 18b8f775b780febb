import { randomUUID } from 'node:crypto'
import type { Sql, TransactionSql } from 'postgres'

const scope = { domain: 'beside', queue: 'default' }

/**
 * The newer version of the other program, in its SQL: it keeps edges of jobs that it deletes with their last status, adds an edge only
 * to a job that is there, and cancels what depends on a job that ended badly.
 */
export function otherProgram(sql: Sql) {
  const cancelDependents = (tx: Sql | TransactionSql) => tx`
    with doomed as (
      select child.id, coalesce(parent.status, edge.depends_on_terminal_status) as status
      from jobs child
      join job_dependencies edge on edge.job_uuid = child.uuid
      left join jobs parent on parent.uuid = edge.depends_on_job_uuid
      where child.domain = ${scope.domain} and child.status = 'queued'
        and coalesce(parent.status, edge.depends_on_terminal_status) in ('failed', 'cancelled')
    ),
    locked as (select id from jobs where id in (select id from doomed) and status = 'queued' order by id for update skip locked)
    update jobs
    set status = 'cancelled', cancelled_at = now(),
      cancellation_reason = (select 'dependency_' || min(doomed.status) from doomed where doomed.id = jobs.id)
    where id in (select id from locked)`
  return {
    /** Makes a job that depends on a job which is there; none where that is gone. */
    add: (parent: string | undefined) =>
      sql.begin(async (tx) => {
        const [found] = parent ? await tx`select status from jobs where uuid = ${parent} for update` : []
        if (parent && !found) return
        const uuid = randomUUID()
        await tx`
          insert into jobs (uuid, domain, queue, job_type, status) values (${uuid}, ${scope.domain}, ${scope.queue}, 'theirs', 'queued')`
        if (!parent) return
        const ended = ['completed', 'failed', 'cancelled', 'quarantined'].includes(found?.status) ? found?.status : null
        await tx`
          insert into job_dependencies (job_uuid, depends_on_job_uuid, depends_on_terminal_status)
          values (${uuid}, ${parent}, ${ended})`
      }),
    /** Leases one job and ends it; returns the id of a job that it should not have been able to take, and undefined where all is right. */
    work: async (status: 'completed' | 'failed') => {
      await cancelDependents(sql)
      await sql.begin(async (tx) => {
        const [job] = await tx`
          select id from jobs
          where domain = ${scope.domain} and status = 'queued' and coalesce(available_at, created_at) <= now()
            and not exists (
              select from job_dependencies edge
              left join jobs parent on parent.uuid = edge.depends_on_job_uuid
              where edge.job_uuid = jobs.uuid
                and coalesce(parent.status, edge.depends_on_terminal_status, 'missing') <> 'completed'
            )
          order by priority, coalesce(available_at, created_at), id
          limit 1
          for update skip locked`
        if (!job) return
        await tx`
          update jobs
          set status = ${status}, started_at = now(), acquired_at = now(), completed_at = now(), worker_id = 'theirs'
          where id = ${job.id}`
      })
    },
    /** Deletes ended jobs that are old, and keeps the edges to them with a snapshot. */
    prune: async (most: number) => {
      await sql.begin(async (tx) => {
        const gone = await tx`
          select id from jobs
          where domain = ${scope.domain} and status in ('completed', 'failed', 'cancelled')
            and coalesce(completed_at, created_at) < now() - interval '30 days'
          order by id
          limit ${most}
          for update skip locked`
        const ids = gone.map(({ id }) => id)
        await tx`
          update job_dependencies edge
          set depends_on_terminal_status = jobs.status, depends_on_cancellation_reason = jobs.cancellation_reason
          from jobs
          where jobs.id = any(${ids}) and edge.depends_on_job_uuid = jobs.uuid`
        await tx`delete from jobs where id = any(${ids})`
      })
      await cancelDependents(sql)
    },
  }
}
