import type * as z from 'zod'
import { type ReclaimRequest as Asked, reclaim as endpoint } from '../../../shared/changes/reclaim.ts'
import type { BatchCounts, BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import type { Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { endsByReclaim, reclaim } from '../../lifecycle/lease/expired-leases.ts'
import { countDependents } from '../../undo/dependents-along.ts'
import { affectedAlone } from './affecting.ts'
import { isSelected, jobsWhere, partsOf, withoutIds } from './filtered.ts'

type ReclaimResult = z.output<typeof endpoint.output>
type ReclaimRequest = Within<Asked>

/** True for running jobs that the reclaim takes; the preview and the change share this condition. */
const reclaimable = (sql: Sql, set: JobSet, request: ReclaimRequest): Fragment => sql`
  status = 'processing'
  ${request.worker_prefix === undefined ? sql`` : sql`and starts_with(worker_id, ${request.worker_prefix}::text)`}
  and ${isSelected(sql, set, request)}`

/**
 * Takes running jobs from their workers and puts them back in the queue; a report of the old worker is then answered with
 * `lease_lost`.
 */
export const describe = (request: ReclaimRequest, { quarantineThreshold }: Terms): BulkChange<ReclaimResult> => ({
  ...partsOf(request),
  kind: 'reclaim',
  matching: (sql, set) => jobsWhere(sql, request, (rest) => reclaimable(sql, set, rest)),
  time: (sql) => sql`coalesce(acquired_at, started_at)`,
  // The worker of a reclaimed job has lost it.
  dependents: (sql, set, only) =>
    countDependents(sql, reclaimable(sql, set, request), {
      fails: endsByReclaim(sql, { quarantineThreshold, countsAttempt: request.count_attempt }),
      only,
    }),
  batch: async (tx, context, selection): Promise<BatchCounts> => {
    const { reclaimed, ...elsewhere } = await reclaim(
      tx,
      { ...context, quarantineThreshold },
      {
        where: selection.matches(tx, reclaimable(tx, context, withoutIds(request, selection))),
        limit: selection.size,
        countsAttempt: request.count_attempt,
        operator: { within: request.within },
      },
    )
    return { affected: reclaimed, ...elsewhere }
  },
  ownAnswer: affectedAlone,
  output: endpoint.output,
})
