import type * as z from 'zod'
import { type CancelBatchRequest as Asked, cancelBatch as endpoint } from '../../../shared/changes/cancel-batch.ts'
import type { BatchContext, BatchCounts, BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import { currentSet } from '../../bulk/change/with-holds.ts'
import { hasIdAmong } from '../../database/planner-hints.ts'
import type { Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { cascade, droppedEvents, elsewhereColumn } from '../../lifecycle/dependents/dependents.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'
import { countDependents, dependentsInAnswer } from '../../undo/dependents-along.ts'
import { changeEngineJobs } from '../../undo/engine/change-jobs.ts'
import { engineTakes, engineTarget } from '../../undo/engine/target.ts'
import { pickedAndUpdated, rowImage, saveRowImages } from '../../undo/row-images.ts'
import { isSelected, jobsWhere, partsOf, withoutIds } from './filtered.ts'
import { refusedAmong } from './refused.ts'

type CancelResult = z.output<typeof endpoint.output>
type CancelBatchRequest = Within<Asked>

/** True for jobs that the change cancels or asks to end; the preview and the change share this condition. */
const cancellable = (sql: Sql, set: JobSet, request: CancelBatchRequest): Fragment => sql`
  ${asked(sql, set, request)} ${engineTakes(sql, 'cancel')}`

/** True for jobs that the request asks for, also those that their engine does not let end. */
const asked = (sql: Sql, set: JobSet, request: CancelBatchRequest): Fragment => sql`
  ${request.force ? sql`status in ('queued', 'processing')` : mayBeAsked(sql)}
  and ${isSelected(sql, set, request)}`

/** Without force, a running job is asked to end. Other engines cannot ask: they end it at once, so that it needs force. */
const mayBeAsked = (sql: Sql): Fragment =>
  servedBy(sql).mode === 'own'
    ? sql`(status = 'queued' or (status = 'processing' and cancel_requested_at is null))`
    : sql`status = 'queued'`

/** True for rows of `jobs` that are ended, not only asked to end. */
const isEnded = (sql: Sql, { force }: CancelBatchRequest): Fragment => (force ? sql`true` : sql`jobs.status = 'queued'`)

/**
 * Cancels queued jobs and those that depend on them; asks the workers of running jobs to end them, or with `force` cancels
 * running jobs, too.
 */
export function describe(request: CancelBatchRequest, { sql }: Pick<Terms, 'sql'>): BulkChange<CancelResult> {
  const { mode, places } = servedBy(sql)
  const endedAs = mode === 'own' ? undefined : places[0].adapter.writes.endedAs
  const as = endedAs === undefined ? {} : { ended_as: endedAs }
  const matching = (sql: Sql, set: JobSet) => jobsWhere(sql, request, (rest) => cancellable(sql, set, rest))
  return {
    ...partsOf(request),
    kind: 'cancel',
    matching,
    ...refusedAmong(sql, 'cancel', (sql) => jobsWhere(sql, request, (rest) => asked(sql, currentSet, rest))),
    time: (sql) => sql`created_at`,
    // A running job that is ended has lost its worker. The request to end one can be withdrawn until its worker hears of it.
    restorable: (sql) => (request.force ? sql`status = 'queued'` : sql`true`),
    reason: (sql) =>
      sql`case when status = 'queued' then 'cancelled' else ${request.force ? sql`'ended'` : sql`'asked'`} end`,
    dependents: (sql, set, only) =>
      countDependents(sql, cancellable(sql, set, request), {
        fails: isEnded(sql, request),
        only,
      }),
    batch: (tx, context, selection) => cancelJobs(tx, context, { request, selection }),
    affected: ({ cancelled = 0, asked = 0 }) => cancelled + asked,
    ownAnswer: ({ counts, within }) => {
      const { cancelled = 0, asked = 0 } = counts
      return { affected: cancelled + asked, cancelled, asked, ...as, ...dependentsInAnswer(counts, within) }
    },
    ofPreview: ({ count, complete, reasons }) => {
      if (complete === false) return as
      const asked = reasons?.find(({ reason }) => reason === 'asked')?.count ?? 0
      return { cancelled: count - asked, asked, ...as }
    },
    output: endpoint.output,
  }
}

interface Cancelling {
  request: CancelBatchRequest
  selection: Selection
}

async function cancelJobs(tx: Sql, context: BatchContext, { request, selection }: Cancelling): Promise<BatchCounts> {
  const target = engineTarget(tx)
  if (target) {
    const reason = request.reason ?? 'batch_cancel'
    const cancelled = await changeEngineJobs(tx, context, target, {
      selection,
      where: cancellable(tx, context, withoutIds(request, selection)),
      act: { act: 'cancel', by: context.caller },
      event: 'job.cancelled',
      attrs: tx`jsonb_build_object('reason', ${reason}::text, 'caller', ${context.caller}::text, 'terminal', true)`,
    })
    return { cancelled, asked: 0 }
  }
  const [row] = await tx<[BatchCounts]>`
    with recursive
    picked as materialized (
      select id, ${rowImage(tx)} as before
      from jobs
      where ${selection.matches(tx, cancellable(tx, context, withoutIds(request, selection)))}
      for update skip locked
    ),
    updated as (
      update jobs
      set ${endOrAsk(tx, request)}
      where ${hasIdAmong(tx, tx`select id from picked`)}
      returning jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id, jobs.status,
        jobs.cancellation_reason, ${rowImage(tx)} as after
    ),
    ended as (select uuid, status from updated where status = 'cancelled'),
    ${cascade(tx, rowImage(tx))},
    row_images as (${saveRowImages(tx, context, tx`${pickedAndUpdated(tx)} union all select id, before, after from dropped`)}),
    events as (${insertEvents(tx, context, tx`${cancelEvents(tx, context)} union all ${droppedEvents(tx)}`)})
    select
      count(*) filter (where status = 'cancelled') as cancelled,
      count(*) filter (where status <> 'cancelled') as asked,
      (select count(*) from dropped) as dependents
      ${elsewhereColumn(tx, 'dropped', context.within)}
    from updated`
  return row
}

/** Assignments of an update of `jobs`. A prune would otherwise take the time of an earlier end for the age of the job. */
const endOrAsk = (sql: Sql, request: CancelBatchRequest): Fragment => sql`
  status = case when ${isEnded(sql, request)} then 'cancelled' else jobs.status end,
  cancelled_at = case when ${isEnded(sql, request)} then now() else jobs.cancelled_at end,
  cancel_requested_at = case
    when jobs.status = 'processing' then coalesce(jobs.cancel_requested_at, now()) else jobs.cancel_requested_at
  end,
  cancellation_reason = ${request.reason ?? 'batch_cancel'}::text,
  completed_at = null,
  leased_until = case when ${isEnded(sql, request)} then null else jobs.leased_until end`

/** The events of the CTE `updated`. */
const cancelEvents = (sql: Sql, { caller }: Pick<BatchContext, 'caller'>): Fragment => sql`
  select
    id, domain, queue, job_type, owner_user_id, trace_id,
    case status when 'cancelled' then 'job.cancelled' else 'job.cancel_requested' end as event_type,
    jsonb_build_object('reason', cancellation_reason, 'caller', ${caller}::text, 'terminal', status = 'cancelled') as attrs
  from updated`
