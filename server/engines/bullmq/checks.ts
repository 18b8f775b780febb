import type { Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineCheck } from '../adapter.ts'
import type { Found } from '../found.ts'
import { boundedCandidates } from '../parts/candidates.ts'
import { nowMs } from './projection.ts'

/** Workers look for stalled jobs every 30 seconds, and take a job back at the second look: after this time none has looked. */
const stalledMs = 120_000

/** Since this version of its tables BullMQ gives the deduplication id of a job that is gone to the next job, where the id has no end. */
const reusesIds = 3

/**
 * What keeps jobs of BullMQ from running, or from having ended, although nobody works on them. Each check reads a partial index of live jobs, with a
 * bound of its own.
 * @returns checks in the order of the answer, each with what to do
 */
export async function readChecks(sql: Sql, place: Found, scope: Narrowed): Promise<EngineCheck[]> {
  const of = sql.unsafe(place.schema)
  const now = sql.unsafe(nowMs)
  const bounded = (rows: Fragment): Fragment => boundedCandidates(sql, place, scope, rows)
  /** Jobs in a state for which a condition on `j` is true. */
  const inState = (state: string, where: Fragment): Fragment =>
    bounded(
      sql`select j.queue, j.id as native_id from ${of}.job as j where j.state = ${sql.unsafe(`'${state}'`)} and ${where}`,
    )
  /** A query of the edges of a parent `j`, in these states, to its children. */
  const edges = (statuses: string, more: Fragment): Fragment => sql`
    select from ${of}.job_dependency as e
    where e.parent_queue = j.queue and e.parent_id = j.id and e.status in (${sql.unsafe(statuses)}) ${more}`
  /** The same of children that the parent still waits for. */
  const pending = (more: Fragment): Fragment => edges(`'pending'`, more)
  const childIn = (states: string): Fragment => sql`
    and exists (
      select from ${of}.job as child
      where child.queue = e.child_queue and child.id = e.child_id and child.state in (${sql.unsafe(states)})
      offset 0
    )`
  const withoutJob: EngineCheck[] = [
    {
      check: 'deduplication_without_job',
      title: 'deduplication id of a job that is gone',
      instead: 'new jobs with that id are dropped: queue.removeDeduplicationKey() in your application',
      isOfKeys: true,
      candidates: bounded(
        sql`
          select d.queue, d.dedup_id as native_id
          from ${of}.dedup as d
          where d.expire_at_ms is null
            and not exists (select from ${of}.job as j where j.queue = d.queue and j.id = d.job_id offset 0)`,
      ),
    },
  ]
  return [
    {
      check: 'expired',
      title: 'running, although its lock has been over for two minutes',
      instead:
        'a worker of the queue takes these back within a minute: start one; jobsctl cancel --force --ids-file ends them',
      candidates: inState('active', sql`j.locked_until_ms < ${now} - ${stalledMs}::bigint`),
    },
    {
      check: 'lock_missing',
      title: 'running without a lock',
      instead:
        'no worker has these, and none takes them back: jobsctl cancel --force --ids-file ends them, and a retry runs them again',
      candidates: inState('active', sql`(j.lock_token is null or j.locked_until_ms is null)`),
    },
    {
      check: 'child_gone',
      title: 'waiting for a child of its flow that is gone',
      instead: 'these wait for ever: job.remove() in your application, and add the flow again',
      candidates: inState(
        'waiting-children',
        sql`exists (${pending(sql`
          and not exists (select from ${of}.job as child where child.queue = e.child_queue and child.id = e.child_id offset 0)`)})`,
      ),
    },
    {
      check: 'child_failed',
      title: 'waiting for a child of its flow that has failed',
      instead: 'these go on when that child completes: jobsctl explain <id> names it, and a retry runs it again',
      candidates: inState('waiting-children', sql`exists (${edges(`'pending', 'failed'`, childIn(`'failed'`))})`),
    },
    {
      check: 'child_untold',
      title: 'waiting for a child of its flow that has completed',
      instead:
        'these wait for ever, since they were not told: removeChildDependency() of the child in your application',
      candidates: inState('waiting-children', sql`exists (${pending(childIn(`'completed'`))})`),
    },
    {
      check: 'children_miscounted',
      title: 'waiting for another number of children than its flow has',
      instead:
        'pending_deps and job_dependency disagree: these run too early, or never; remove the parent and add its flow again',
      candidates: inState(
        'waiting-children',
        sql`j.pending_deps <> (select count(*) from (${pending(sql``)}) as edges)`,
      ),
    },
    {
      check: 'deduplicates_for_ever',
      title: 'ended, and keeping its deduplication id without an end',
      instead: 'new jobs with that id are dropped: queue.removeDeduplicationKey() in your application',
      candidates: bounded(
        sql`
          select j.queue, j.id as native_id
          from ${of}.dedup as d
          join ${of}.job as j on j.queue = d.queue and j.id = d.job_id
          where d.expire_at_ms is null and j.state in ('completed', 'failed')`,
      ),
    },
    ...((place.version ?? 0) < reusesIds ? withoutJob : []),
    {
      check: 'scheduler_ended',
      title: 'scheduler without its next job',
      instead: 'nothing makes another job of it: queue.upsertJobScheduler() in your application',
      isOfKeys: true,
      candidates: bounded(
        sql`
          select s.queue, s.scheduler_id as native_id
          from ${of}.scheduler as s
          -- One that has made all its jobs stays in the table.
          where coalesce(s.iteration_count < s.limit_count, true) and coalesce(s.end_date_ms > ${now}, true) and not exists (
            select from ${of}.job as j
            where j.queue = s.queue and j.scheduler_id = s.scheduler_id and j.state in ('waiting', 'delayed', 'active')
            offset 0
          )`,
      ),
    },
  ]
}
