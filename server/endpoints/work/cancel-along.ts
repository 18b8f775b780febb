import { cancelBatch } from '../../../shared/changes/cancel-batch.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { BatchCounts } from '../../bulk/change/bulk-change.ts'
import { type AtOnceCall, type Counted, runAtOnce } from '../../bulk/run-at-once.ts'
import { isWithin } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { countedAlong, countedElsewhere } from '../../lifecycle/dependents/count-along.ts'
import { cascade, droppedEvents, elsewhereColumn } from '../../lifecycle/dependents/dependents.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'
import { rowImage, saveRowImages } from '../../undo/row-images.ts'
import { type Cancellation, changed, changedEvents } from './cancel-statement.ts'

/** The most jobs that one call cancels along with the job that it names. */
const mostDependents = 1000

/** A job that was cancelled together with jobs that depend on it. */
export interface Along {
  operation: number
  /** How many jobs were cancelled along. */
  dependents: number
  /** How many of them lie outside of the scope of the caller; 0 without a scope. */
  elsewhere: number
}

/**
 * Cancels a job with the jobs that depend on it, as an operation of the kind `cancel`.
 * @param job where the job lies
 * @returns undefined where the job does not wait or run any more, or what depends on it is another number by now
 * @throws Failure as `runAtOnce`; `conflict` for a job with more than 1,000 dependents. Nothing was changed then
 */
export async function cancelWithDependents(
  call: AtOnceCall,
  cancellation: Cancellation,
  { domain, queue, job_type }: Required<Scope>,
): Promise<Along | undefined> {
  const { id, reason, force } = cancellation
  const { within, may } = call
  const done = await runAtOnce(call, {
    kind: 'cancel',
    scope: { domain, queue, job_type, within },
    request: { job_id: id, force, reason, within },
    planned: `${cancelBatch.path} and {"job_id": ${id}}`,
    affected: ({ cancelled = 0 }) => cancelled,
    count: async (tx) => {
      const counted = await lockAndCount(tx, cancellation, within)
      if (counted && counted.dependents > mostDependents) throw tooMany(id, may.has('change'))
      return counted
    },
    change: async (tx, operation) => {
      const counts = await cancelJobs(tx, { ...call, operation }, cancellation)
      if ((counts.dependents ?? 0) > mostDependents) throw tooMany(id, may.has('change'))
      return counts
    },
  })
  if (!done) return undefined
  const { dependents = 0, dependents_elsewhere: elsewhere = 0 } = done.counts
  return { operation: done.operation, dependents, elsewhere }
}

const tooMany = (id: number, mayChange: boolean): Failure =>
  new Failure(
    'conflict',
    `more than ${mostDependents.toLocaleString('en-US')} jobs depend on job ${id}, and would be cancelled with it; nothing was changed`,
    {
      hint: mayChange
        ? `cancel it by POST ${cancelBatch.path} with {"job_id": ${id}}, which counts them in a dry run; on the command line: jobsctl cancel ${id}`
        : `somebody with the right to change many jobs cancels it: POST ${cancelBatch.path} with {"job_id": ${id}}; on the command line: jobsctl cancel ${id}`,
    },
  )

/** Locks the job, and counts what is cancelled along: up to one more than may be. */
async function lockAndCount(
  sql: Sql,
  { id, force }: Cancellation,
  within: AtOnceCall['within'],
): Promise<Counted | undefined> {
  const [row] = await sql<Counted[]>`
    with recursive
    ending as materialized (
      select uuid
      from jobs
      where id = ${id}::job_id ${isWithin(sql, within)}
        and (status = 'queued' or ${force}::bool and status = 'processing')
      for update
    ),
    ${countedAlong(sql, mostDependents + 1)}
    select 1 as jobs, (select count(*) from counted) as dependents, ${countedElsewhere(sql, within)} as dependents_elsewhere
    from ending`
  return row && row.dependents > 0 ? row : undefined
}

type Origin = Pick<AtOnceCall, 'caller' | 'requestId' | 'within'> & { operation: number }

async function cancelJobs(sql: Sql, { operation, ...call }: Origin, cancellation: Cancellation): Promise<BatchCounts> {
  const image = rowImage(sql)
  const [row] = await sql<[BatchCounts]>`
    with recursive
    target as materialized (
      select id, status, cancel_requested_at, ${image} as before from jobs where id = ${cancellation.id}::job_id
    ),
    ${changed(sql, cancellation, { image })},
    ended as (select uuid, status from changed where status = 'cancelled'),
    ${cascade(sql, image)},
    row_images as (${saveRowImages(
      sql,
      { operation },
      sql`
        select changed.id, target.before, changed.after from changed join target on target.id = changed.id
        union all
        select id, before, after from dropped`,
    )}),
    events as (${insertEvents(sql, call, sql`${changedEvents(sql, call.caller)} union all ${droppedEvents(sql)}`)})
    select count(*) as cancelled, 0 as asked, (select count(*) from dropped) as dependents
      ${elsewhereColumn(sql, 'dropped', call.within)}
    from changed`
  return row
}
