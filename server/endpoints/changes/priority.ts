import type * as z from 'zod'
import { type PriorityRequest as Asked, setPriority as endpoint } from '../../../shared/changes/priority.ts'
import type { BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import { currentSet } from '../../bulk/change/with-holds.ts'
import type { Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { changeColumns } from '../../undo/change-columns.ts'
import { engineTakes } from '../../undo/engine/target.ts'
import { affectedAlone } from './affecting.ts'
import { isSelected, jobsWhere, partsOf, withoutIds } from './filtered.ts'
import { refusedAmong } from './refused.ts'

type PriorityResult = z.output<typeof endpoint.output>
type PriorityRequest = Within<Asked>

/** True for queued jobs with another priority; the preview and the change share this condition. */
const changeable = (sql: Sql, set: JobSet, request: PriorityRequest): Fragment => sql`
  ${asked(sql, set, request)} ${engineTakes(sql, 'priority')}`

/** True for jobs that the request asks for, also those that their engine does not let change. */
const asked = (sql: Sql, set: JobSet, request: PriorityRequest): Fragment => sql`
  status = 'queued' and priority is distinct from ${request.priority}::int and ${isSelected(sql, set, request)}`

/** Sets the priority of queued jobs. */
export const describe = (request: PriorityRequest, { sql }: Pick<Terms, 'sql'>): BulkChange<PriorityResult> => ({
  ...partsOf(request),
  kind: 'priority',
  matching: (sql, set) => jobsWhere(sql, request, (rest) => changeable(sql, set, rest)),
  ...refusedAmong(sql, 'priority', (sql) => jobsWhere(sql, request, (rest) => asked(sql, currentSet, rest))),
  time: (sql) => sql`created_at`,
  batch: (tx, context, selection) =>
    changeColumns(tx, context, {
      selection,
      where: changeable(tx, context, withoutIds(request, selection)),
      assignments: tx`priority = ${request.priority}::int`,
      event: 'job.priority_set',
      attrs: tx`jsonb_build_object('caller', ${context.caller}::text, 'priority', priority)`,
      further: ['priority'],
      engine: { act: 'priority', priority: request.priority },
    }),
  ownAnswer: affectedAlone,
  output: endpoint.output,
})
