import type { BatchContext } from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import { isUnchangedSince } from '../../bulk/token/snapshot.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineRepair } from '../../engines/writes.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'
import { type EngineTarget, requireSameVersion } from './target.ts'

/** The jobs of an engine that looks after no lost job itself, and how they are freed. */
export interface RepairTarget extends EngineTarget {
  repair: EngineRepair
}

/** An SQL condition on `jobs`: the job is that of a worker that is gone. */
export const isOfGoneWorker = (sql: Sql, { repair, found }: RepairTarget, named: string | undefined): Fragment => sql`
  ${sql.unsafe(repair.isHeld)} and jobs.worker_id = any(array(
    select worker from (${repair.workers(sql, found, named)}) as known where why is null
  ))`

/** A query of `(job_id, reason)`: jobs that a worker has had for long, or that the named one has, and that are left because it may live. */
export const leftToWorkers = (
  sql: Sql,
  { repair, found }: RepairTarget,
  { named, where }: { named: string | undefined; where: Fragment },
): Fragment => sql`
  select jobs.id as job_id, known.why as reason
  from jobs
  join (${repair.workers(sql, found, named)}) as known on known.worker = jobs.worker_id and known.why is not null
  where ${sql.unsafe(repair.isHeld)} and (${sql.unsafe(repair.isLong)} or jobs.worker_id = ${named ?? null}::text) and ${where}`

interface Freeing {
  selection: Selection
  /** A condition on `jobs`: true for jobs that are freed. */
  where: Fragment
}

/**
 * Frees all jobs of the workers of a selection, and inserts an event for each of them. A worker is left where another transaction has one of its
 * jobs, or where it has taken one since the preview.
 * @returns the number of jobs
 * @throws Failure `conflict` where the engine has migrated its tables since the server started
 */
export async function freeWorkers(
  tx: Sql,
  context: BatchContext,
  target: RepairTarget,
  { selection, where }: Freeing,
): Promise<number> {
  const { writes, repair, found } = target
  await requireSameVersion(tx, target)
  const isTheirs = tx`${tx.unsafe(repair.isHeld)} and jobs.worker_id = any(array(select worker from chosen))`
  const [row] = await tx<[{ affected: number; statements: number }]>`
    with chosen as materialized (
      select distinct jobs.worker_id as worker from jobs where ${selection.matches(tx, where)}
    ),
    picked as materialized (
      select jobs.id, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id, jobs.worker_id,
        ${isUnchangedSince(tx, context.snapshot)} as is_known
      from jobs
      where ${isTheirs}
      for update skip locked
    ),
    gone as materialized (
      select worker
      from chosen
      where ${tx.unsafe(writes.guard(found))}
        and (select count(*) from picked where worker_id = worker and is_known)
          = (select count(*) from jobs where ${tx.unsafe(repair.isHeld)} and jobs.worker_id = worker)
    ),
    freed as materialized (${repair.free(tx, found, tx`select worker from gone`)}),
    changed as materialized (select * from picked where worker_id in (select worker from gone)),
    events as (${insertEvents(
      tx,
      context,
      tx`
        select id, domain, queue, job_type, owner_user_id, trace_id, 'job.reclaimed' as event_type,
          jsonb_build_object('worker_id', worker_id, 'caller', ${context.caller}::text) as attrs
        from changed`,
    )})
    select (select count(*) from changed) as affected, (select count(*) from freed) as statements`
  return row.affected
}
