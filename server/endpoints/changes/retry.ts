import type * as z from 'zod'
import { type RetryRequest as Asked, retry as endpoint } from '../../../shared/changes/retry.ts'
import type { BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import { currentSet } from '../../bulk/change/with-holds.ts'
import { isUnchangedSince, ofEveryRow } from '../../bulk/token/snapshot.ts'
import { hasKeys } from '../../database/job-ids.ts'
import type { Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { countRevivable } from '../../lifecycle/dependents/revive.ts'
import { wireTime } from '../../lifecycle/events/job-events.ts'
import { changeColumns } from '../../undo/change-columns.ts'
import { engineMayRetry, placesOfRetry, requireSpread, whyEngineNoRetry } from '../../undo/engine/target.ts'
import { isSelected, jobsWhere, partsOf, withoutIds } from './filtered.ts'
import { withDependents } from './list-changed.ts'
import { isBehind, judged, whyBehind } from './refused.ts'
import { runAgain } from './run-again.ts'

type RetryResult = z.output<typeof endpoint.output>
type RetryRequest = Within<Asked>

/** True for jobs that the retry takes, but for those that want the same place; the preview and the change share this condition. */
const retryable = (sql: Sql, set: JobSet, request: RetryRequest): Fragment =>
  sql`${asked(sql, set, request)} ${engineMayRetry(sql)}`

/** `from jobs where …` */
const mayRun = (sql: Sql, set: JobSet, request: RetryRequest): Fragment =>
  jobsWhere(sql, request, (rest) => retryable(sql, set, rest))

/** A condition on `jobs`: an older job gets the place of this one, or had it since the preview. */
function waits(sql: Sql, set: JobSet, request: RetryRequest): Fragment {
  const isLater = sql`jobs.created_at > ${set.asOf ?? 'infinity'}::text::timestamptz`
  const isUnchanged = set.snapshot === undefined ? undefined : isUnchangedSince(sql, ofEveryRow(set.snapshot))
  const changed = isUnchanged && sql`not (${isUnchanged} or ${isLater})`
  return isBehind(sql, { places: placesOfRetry(sql), taken: mayRun(sql, set, request), changed })
}

/** True for jobs that the request asks for, also those that their engine does not let run again. */
const asked = (sql: Sql, set: JobSet, request: RetryRequest): Fragment => sql`
  ${states(sql, request)}
  ${request.with_retries_left ? sql`and (status <> 'failed' or ${hasRetriesLeft(sql)})` : sql``}
  and ${isSelected(sql, set, request)}`

const hasRetriesLeft = (sql: Sql): Fragment => sql`coalesce(retry_count, 0) < coalesce(max_retries, 3)`

/** The states that the retry takes. */
function states(sql: Sql, { only_failed, also_quarantined, status }: RetryRequest): Fragment {
  // Cancelled jobs of another engine run again where the request names this state.
  if (hasKeys(sql) && status?.includes('cancelled')) return sql`status in ('failed', 'cancelled')`
  const ended = also_quarantined ? sql`status in ('failed', 'quarantined')` : sql`status = 'failed'`
  return only_failed ? ended : sql`(${ended} or (status = 'queued' and available_at > now()))`
}

/**
 * Makes failed jobs run again, and brings back the jobs that were cancelled because of them.
 * @throws Failure `not_supported` for times of their own, where the engine has no such times
 */
export function describe(request: RetryRequest, { sql }: Pick<Terms, 'sql'>): BulkChange<RetryResult> {
  if (request.spread_seconds !== undefined) requireSpread(sql)
  const matching = (sql: Sql, set: JobSet) => sql`${mayRun(sql, set, request)} and not ${waits(sql, set, request)}`
  // As servers before the field signed the filters, so that their previews can still be used.
  const { also_quarantined, ...filters } = request
  const parts = partsOf(also_quarantined ? request : filters)
  return {
    ...parts,
    kind: 'retry',
    matching,
    // Two jobs of another engine may want the same place in their queue: one of them stays as it is.
    ...(hasKeys(sql) && {
      rejected: new Map(),
      refused: (sql, set) => refusedByEngine(sql, placesOfRetry(sql).length > 0 ? set : currentSet, request),
    }),
    time: (sql) =>
      request.also_quarantined
        ? sql`coalesce(completed_at, quarantined_at, available_at)`
        : sql`coalesce(completed_at, available_at)`,
    ...(request.with_dependents && {
      dependents: (sql, set, only) => countRevivable(sql, retryable(sql, set, request), only),
    }),
    batch: (tx, context, selection) =>
      changeColumns(tx, context, {
        selection,
        where: retryable(tx, context, withoutIds(request, selection)),
        assignments: runnable(tx, request),
        event: 'job.retried',
        attrs: tx`jsonb_build_object(
          'caller', ${context.caller}::text, 'retry_count', retry_count, 'available_at', ${wireTime(tx, tx`available_at`)}
        )`,
        further: ['error_code', 'error_class', 'error_stack', 'last_error'],
        withDependents: request.with_dependents,
        engine: { act: 'retry', spread_seconds: request.spread_seconds },
      }),
    ownAnswer: (done) => withDependents(done, request.limit, { kind: 'retry', filters: parts.filters }),
    output: endpoint.output,
  }
}

/** A query of `(job_id, reason)`: jobs that their engine does not let run again. */
function refusedByEngine(sql: Sql, set: JobSet, request: RetryRequest): Fragment {
  return judged(
    sql,
    sql`coalesce(${whyEngineNoRetry(sql)}, ${whyBehind(sql, waits(sql, set, request))})`,
    jobsWhere(sql, request, (rest) => asked(sql, set, rest)),
  )
}

/** Clears the error of the last attempt, too, which `failure_timeline` keeps. */
const runnable = (sql: Sql, request: RetryRequest): Fragment => sql`
  ${runAgain(sql, request)},
  error_message = null, error_code = null, error_class = null, error_stack = null, last_error = null`
