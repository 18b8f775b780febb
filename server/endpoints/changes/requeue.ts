import type * as z from 'zod'
import { type RequeueRequest as Asked, requeue as operation } from '../../../shared/changes/requeue.ts'
import type { BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import { isUnchangedSince } from '../../bulk/token/snapshot.ts'
import { inFilter } from '../../database/job-filter.ts'
import type { Within } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { countRevivable } from '../../lifecycle/dependents/revive.ts'
import { changeColumns } from '../../undo/change-columns.ts'
import { filtersBesideScope, jobsWhere, partsWith, withoutIds } from './filtered.ts'
import { withDependents } from './list-changed.ts'
import { runAgain } from './run-again.ts'

type RequeueResult = z.output<typeof operation.output>
type RequeueRequest = Within<Asked>

/** True for jobs that the requeue puts back; the preview and the change share this condition. */
const requeueable = (sql: Sql, set: JobSet, request: RequeueRequest) => sql`
  status = 'quarantined'
  ${inFilter(sql, request, set.asOf)}
  ${request.job_id === undefined ? sql`` : sql`and id = ${request.job_id}::job_id`}
  and ${isUnchangedSince(sql, set.snapshot)}`

/** Puts quarantined jobs back in the queue, with no failed attempt on record. */
export function describe(request: RequeueRequest): BulkChange<RequeueResult> {
  const { domain, queue, job_type, job_id, limit, with_dependents, spread_seconds } = request
  const filters = {
    domain,
    queue,
    job_type,
    job_id,
    // As servers before these fields signed it, so that their previews can still be used.
    ...(!with_dependents && { with_dependents }),
    spread_seconds,
    ...filtersBesideScope(request),
  }
  const matching = (sql: Sql, set: JobSet) =>
    jobsWhere(sql, { ...request, job_id: undefined }, (rest) =>
      requeueable(sql, set, { ...rest, job_id: request.job_id }),
    )
  return {
    ...partsWith(request, filters, { limit }),
    limit,
    kind: 'requeue',
    matching,
    time: (sql) => sql`quarantined_at`,
    ...(with_dependents && {
      dependents: (sql, set, only) => countRevivable(sql, requeueable(sql, set, request), only),
    }),
    batch: (tx, context, selection) =>
      changeColumns(tx, context, {
        selection,
        where: requeueable(tx, context, withoutIds(request, selection)),
        assignments: runAgain(tx, request),
        event: 'job.requeued',
        attrs: tx`'{}'::jsonb`,
        withDependents: with_dependents,
        engine: { act: 'retry' },
      }),
    ownAnswer: (done) => withDependents(done, limit, { kind: 'requeue', filters }),
    output: operation.output,
  }
}
