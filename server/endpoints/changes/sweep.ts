import type * as z from 'zod'
import { type SweepRequest as Asked, sweep as operation } from '../../../shared/changes/sweep.ts'
import type { BatchContext, BatchCounts, BulkChange, JobSet, SetWithHolds } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import { currentSet, keptInAnswer } from '../../bulk/change/with-holds.ts'
import { isUnchangedSince } from '../../bulk/token/snapshot.ts'
import { referenceTime } from '../../call.ts'
import { inFilter } from '../../database/job-filter.ts'
import { countKept, isKeptByHold, unless } from '../../database/kept-by-hold.ts'
import { hasIdAmong } from '../../database/planner-hints.ts'
import { noHolds } from '../../database/read-holds.ts'
import type { Within } from '../../database/scope.ts'
import { type Sql, staticFragment } from '../../database/sql.ts'
import { cascade, droppedEvents, elsewhereColumn } from '../../lifecycle/dependents/dependents.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'
import { countDependents } from '../../undo/dependents-along.ts'
import { changeEngineJobs } from '../../undo/engine/change-jobs.ts'
import { engineTakes, engineTarget } from '../../undo/engine/target.ts'
import { pickedAndUpdated, rowImage, saveRowImages } from '../../undo/row-images.ts'
import { affectedAlone } from './affecting.ts'
import { filtersBesideScope, jobsWhere, partsWith, withoutIds } from './filtered.ts'
import { refusedAmong } from './refused.ts'

type SweepRequest = Within<Asked>

/** The time `seconds` before the reference time; the limit of about 3,000 years keeps it within PostgreSQL's calendar. */
const before = (sql: Sql, set: JobSet, seconds: number) => sql`
  ${referenceTime(sql, set)} - least(${seconds}::bigint, 100000000000) * interval '1 second'`

/** True for jobs that are queued for too long. */
const tooOld = (sql: Sql, set: JobSet, { age_seconds }: SweepRequest) =>
  age_seconds === undefined ? sql`false` : sql`(status = 'queued' and created_at <= ${before(sql, set, age_seconds)})`

/**
 * True for jobs that run for too long since the last pick-up. Some workers keep the first `started_at` when they pick a job
 * up again; `acquired_at` is then the later time.
 */
const tooLong = (sql: Sql, set: JobSet, { runtime_seconds }: SweepRequest) =>
  runtime_seconds === undefined
    ? sql`false`
    : sql`(status = 'processing' and greatest(started_at, acquired_at) <= ${before(sql, set, runtime_seconds)})`

/** True for jobs that are past a limit of the request. */
const pastLimit = (sql: Sql, set: JobSet, request: SweepRequest) => sql`
  status in ('queued', 'processing')
  and (${tooOld(sql, set, request)} or ${tooLong(sql, set, request)})
  ${inFilter(sql, request, set.asOf)}`

/** True for jobs that the sweep ends; the preview and the change share this condition. */
const sweepable = (sql: Sql, set: SetWithHolds, request: SweepRequest) => sql`
  ${asked(sql, set, request)} ${engineTakes(sql, 'cancel')}`

/** True for jobs that the request asks for, also those that their engine does not let end. */
const asked = (sql: Sql, set: SetWithHolds, request: SweepRequest) => sql`
  ${pastLimit(sql, set, request)} and ${isUnchangedSince(sql, set.snapshot)} ${unless(sql, isKeptByHold(sql, set.holds))}`

/** The reason in the row, for a row of `jobs` before the update. */
const why = staticFragment((sql) => sql`case status when 'queued' then 'ttl_age' else 'ttl_runtime' end`)

const outcomes = {
  // A prune would otherwise take the time of an earlier end for the age of the job.
  cancel: (sql: Sql) => sql`
    status = 'cancelled', cancelled_at = now(), cancellation_reason = ${why(sql)}, completed_at = null`,
  fail: (sql: Sql) => sql`status = 'failed', completed_at = now(), error_message = ${why(sql)}`,
}

type SweepResult = z.output<typeof operation.output>

/** Cancels or fails queued and running jobs that are past their limits. */
export function describe(request: SweepRequest, { sql }: Pick<Terms, 'sql'>): BulkChange<SweepResult> {
  const { age_seconds, runtime_seconds, action, domain, queue, job_type } = request
  const filters = { age_seconds, runtime_seconds, action, domain, queue, job_type, ...filtersBesideScope(request) }
  const matching = (sql: Sql, set: SetWithHolds) => jobsWhere(sql, request, (rest) => sweepable(sql, set, rest))
  const keptByHold = (sql: Sql, set: SetWithHolds) =>
    countKept(
      sql,
      jobsWhere(sql, request, (rest) => pastLimit(sql, set, rest)),
      isKeptByHold(sql, set.holds),
    )
  return {
    ...partsWith(request, filters),
    kind: 'sweep',
    matching,
    ...refusedAmong(sql, 'cancel', (sql) =>
      jobsWhere(sql, request, (rest) => asked(sql, { ...currentSet, holds: noHolds }, rest)),
    ),
    time: (sql) => sql`case status when 'queued' then created_at else greatest(started_at, acquired_at) end`,
    // A running job that is ended has lost its worker.
    restorable: (sql) => sql`status = 'queued'`,
    reason: (sql) => sql`case status when 'queued' then 'age' else 'runtime' end`,
    dependents: (sql, set, only) => countDependents(sql, sweepable(sql, set, request), { fails: sql`true`, only }),
    keptByHold,
    batch: (tx, context, selection) => endJobs(tx, context, { request, selection }),
    ownAnswer: async (done) => ({ ...affectedAlone(done), ...(await keptInAnswer(done.sql, keptByHold)) }),
    output: operation.output,
  }
}

interface Ending {
  request: SweepRequest
  selection: Selection
}

async function endJobs(tx: Sql, context: BatchContext, { request, selection }: Ending): Promise<BatchCounts> {
  const target = engineTarget(tx)
  if (target) {
    const affected = await changeEngineJobs(tx, context, target, {
      selection,
      where: sweepable(tx, context, withoutIds(request, selection)),
      act: { act: 'cancel', by: context.caller },
      event: 'job.cancelled',
      attrs: tx`jsonb_build_object('reason', case status when 'queued' then 'ttl_age' else 'ttl_runtime' end, 'terminal', true)`,
    })
    return { affected }
  }
  const [row] = await tx<[BatchCounts]>`
    with recursive
    picked as materialized (
      select id, ${rowImage(tx)} as before
      from jobs
      where ${selection.matches(tx, sweepable(tx, context, withoutIds(request, selection)))}
      for update skip locked
    ),
    updated as (
      update jobs
      set ${outcomes[request.action](tx)}, leased_until = null
      where ${hasIdAmong(tx, tx`select id from picked`)}
      returning jobs.id, jobs.uuid, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id, jobs.status,
        coalesce(case jobs.status when 'failed' then jobs.error_message end, jobs.cancellation_reason) as reason,
        ${rowImage(tx)} as after
    ),
    ended as (select uuid, status from updated),
    ${cascade(tx, rowImage(tx))},
    row_images as (${saveRowImages(tx, context, tx`${pickedAndUpdated(tx)} union all select id, before, after from dropped`)}),
    events as (${insertEvents(tx, context, tx`${endEvents(tx)} union all ${droppedEvents(tx)}`)})
    select count(*) as affected, (select count(*) from dropped) as dependents ${elsewhereColumn(tx, 'dropped', context.within)} from updated`
  return row
}

/** The events of the CTE `updated`. */
const endEvents = staticFragment(
  (sql) => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, 'job.' || status as event_type,
    jsonb_build_object('reason', reason, 'terminal', true) as attrs
  from updated`,
)
