import type { BatchContext, BatchCounts } from '../bulk/change/bulk-change.ts'
import type { Selection } from '../bulk/change/selection.ts'
import { isUnchangedSince } from '../bulk/token/snapshot.ts'
import { hasIdAmong } from '../database/planner-hints.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'
import { elsewhereColumn } from '../lifecycle/dependents/dependents.ts'
import { insertEvents, notifyQueues } from '../lifecycle/events/job-events.ts'
import {
  isEngineJobOf,
  isEngineJobUnchanged,
  restoreEngineColumns,
  whyEngineJobChanged,
} from './engine/restore-columns.ts'
import { engineTarget } from './engine/target.ts'
import { type HoldTerm, holdRestored } from './hold-restored.ts'
import { inPart, type Part } from './part.ts'
import { isAsInImage, restoreFromImage } from './row-images.ts'

/**
 * True for a row `kept` of `job_operation_rows` whose job has not lost its worker: it did not run, or was only asked to end. A worker that
 * has heard so has renewed its lease, by which the row differs from the image.
 */
const hasItsWorker = staticFragment(
  (sql) => sql`(kept.before ->> 'status' <> 'processing' or kept.after ->> 'status' = 'processing')`,
)

/** True for a row `kept` of `job_operation_rows` and its job, where the job is as the operation left it. */
export const isUnchangedSinceChange = (sql: Sql): Fragment => {
  const target = engineTarget(sql)
  return target ? isEngineJobUnchanged(sql, target) : isOwnUnchanged(sql)
}

const isOwnUnchanged = staticFragment((sql) => sql`(${hasItsWorker(sql)} and ${isAsInImage(sql, sql`kept.after`)})`)

/** True for the job in `jobs` that a row `kept` of `job_operation_rows` is about. */
export const isJobOfImage = (sql: Sql): Fragment => {
  const target = engineTarget(sql)
  return target ? isEngineJobOf(sql, target) : isOwnJobOfImage(sql)
}

const isOwnJobOfImage = staticFragment((sql) => sql`jobs.id = kept.job_ref`)

/**
 * A query of the jobs of a part of an operation whose columns cannot be restored, as `(job_id, reason)`. A job that is deleted
 * has no scope any more, and is in a part by its id alone.
 */
export function whyColumnsNotRestored(sql: Sql, operation: number, part: Part): Fragment {
  const target = engineTarget(sql)
  return sql`
  select
    kept.job_ref as job_id,
    case
      when jobs.id is null then 'the job is deleted'
      ${target ? whyEngineJobChanged(sql, target) : ownReasons(sql)}
      else 'the job was picked up or changed since'
    end as reason
  from job_operation_rows kept
  left join jobs on ${isJobOfImage(sql)}
  where kept.operation_id = ${operation}::bigint and not coalesce(${isUnchangedSinceChange(sql)}, false)
    ${inPart(sql, part, sql`kept.job_ref`)}`
}

const ownReasons = staticFragment(
  (sql) => sql`
      when not ${hasItsWorker(sql)} then 'the job was running, and has lost its worker'
      when jobs.status <> kept.after ->> 'status' then 'the job has gone on, and is ' || jobs.status
      when kept.after ->> 'status' = 'processing' then 'the job is running, and its worker has heard that it is to end it'`,
)

interface Restore {
  /** The id of the operation that is undone. */
  undoes: number
  selection: Selection
  hold: HoldTerm
  /** The operation is an edit. */
  edited?: boolean
  /** Waits for jobs that other transactions hold, which are else skipped. */
  waits?: boolean
}

/**
 * Restores the columns that an operation overwrote, deletes the row images, holds the jobs, and writes an event for each job.
 * @returns `affected`, the number of jobs, and `withdrawn`, how many of them run, and are no longer asked to end
 */
export async function restoreColumns(
  tx: Sql,
  context: Pick<BatchContext, 'operation' | 'snapshot' | 'requestId' | 'caller' | 'reason' | 'within' | 'optimistic'>,
  { undoes, selection, hold, edited = false, waits = false }: Restore,
): Promise<BatchCounts> {
  const target = engineTarget(tx)
  if (target) return { affected: await restoreEngineColumns(tx, context, target, { undoes, selection, hold, edited }) }
  const payload = edited && (await keepsPayload(tx, undoes))
  const imageOfJob = tx`from job_operation_rows where operation_id = ${undoes}::bigint and job_ref = jobs.id`
  const [row] = await tx<[BatchCounts]>`
    with picked as materialized (
      select jobs.id
      from jobs
      cross join lateral (select before, after ${imageOfJob} offset 0) as kept
      where ${selection.matches(tx, tx`${isUnchangedSinceChange(tx)} and ${isUnchangedSince(tx, context.snapshot)}`)}
      for update of jobs ${waits ? tx`` : tx`skip locked`}
    ),
    updated as (
      update jobs
      set ${restoreFromImage(tx, imageOfJob, payload)}
      where ${hasIdAmong(tx, tx`select id from picked`)}
      returning jobs.id, domain, queue, job_type, owner_user_id, trace_id, jobs.status
    ),
    deleted_images as (
      delete from job_operation_rows
      where ctid = any(array(
        select tid from updated as jobs cross join lateral (select ctid as tid ${imageOfJob} offset 0) as kept
      ))
    ),
    ${holdRestored(tx, context, { ...hold, undoes, restored: tx`select id from updated` })},
    events as (${insertEvents(tx, context, restoredEvents(tx, context.caller))}),
    notified as (${notifyQueues(tx, tx`select domain, queue from updated where status = 'queued'`)})
    select count(updated.id) as affected, count(updated.id) filter (where updated.status = 'processing') as withdrawn
      ${waits ? elsewhereColumn(tx, 'updated', context.within) : tx``}
    from updated
    left join notified on true`
  return row
}

/** Whether the images of an edit have the payload, as all of them have or none. */
async function keepsPayload(tx: Sql, operation: number): Promise<boolean> {
  const [image] = await tx<[{ kept: boolean }?]>`
    select before ? 'payload' as kept from job_operation_rows where operation_id = ${operation}::bigint limit 1`
  return image?.kept ?? false
}

/** The events of the CTE `updated`. */
const restoredEvents = (sql: Sql, caller: string): Fragment => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, 'job.restored' as event_type,
    jsonb_build_object('status', status, 'caller', ${caller}::text) as attrs
  from updated`
