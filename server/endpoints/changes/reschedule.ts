import type * as z from 'zod'
import { type RescheduleRequest as Asked, reschedule as endpoint } from '../../../shared/changes/reschedule.ts'
import type { BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import { currentSet } from '../../bulk/change/with-holds.ts'
import { referenceTime } from '../../call.ts'
import { hasKeys } from '../../database/job-ids.ts'
import type { Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { wireTime } from '../../lifecycle/events/job-events.ts'
import { changeColumns } from '../../undo/change-columns.ts'
import { engineTakes, keptDue, whyEngineRefuses } from '../../undo/engine/target.ts'
import { affectedAlone } from './affecting.ts'
import { isSelected, jobsWhere, partsOf, withoutIds } from './filtered.ts'
import { judged } from './refused.ts'
import { spreadFrom } from './run-again.ts'

type RescheduleResult = z.output<typeof endpoint.output>
type RescheduleRequest = Within<Asked>

/** True for jobs that can be rescheduled; the preview and the change share this condition. */
const movable = (sql: Sql, set: JobSet, request: RescheduleRequest): Fragment => sql`
  ${asked(sql, set, request)} ${engineTakes(sql, 'reschedule')} and ${getsAnother(sql, set, request)}`

/** True for jobs whose column has another time afterwards: infinity stays as it is, and a column may keep whole days. */
const getsAnother = (sql: Sql, set: JobSet, request: RescheduleRequest): Fragment =>
  request.spread_seconds === undefined
    ? sql`${keptDue(sql, dueTime(sql, set, request))} is distinct from available_at`
    : sql`true`

/** An SQL expression on `jobs`: why the job keeps its time; null for one that moves. */
const whyNot = (sql: Sql, request: RescheduleRequest): Fragment => sql`coalesce(
  ${whyEngineRefuses(sql, 'reschedule') ?? sql`null`},
  case
    when ${getsAnother(sql, currentSet, request)} then null
    when ${isInRange(sql, sql`available_at`)} then 'its column keeps no time that is so near to the one it has'
    else 'its time is infinite, or near the end of the times that PostgreSQL has'
  end
)`

/** True for jobs that the request asks for, also those that their engine does not let move. */
const asked = (sql: Sql, set: JobSet, request: RescheduleRequest): Fragment => sql`
  status = 'queued' and ${isElsewhere(sql, set, request)} and ${isSelected(sql, set, request)}`

/**
 * True for jobs that would move. A job that is due already keeps its place in line when jobs are made due now, and a job that has the new
 * time already stays as it is.
 */
function isElsewhere(sql: Sql, set: JobSet, request: RescheduleRequest): Fragment {
  const { available_at, by_seconds, delay_seconds = 0, spread_seconds } = request
  if (spread_seconds !== undefined || by_seconds !== undefined) return sql`true`
  if (available_at !== undefined) return sql`available_at is distinct from ${available_at}::text::timestamptz`
  return delay_seconds > 0 ? sql`true` : sql`coalesce(available_at, created_at) > ${referenceTime(sql, set)}`
}

/** Moves the time from which queued jobs can run. */
export const describe = (request: RescheduleRequest, { sql }: Pick<Terms, 'sql'>): BulkChange<RescheduleResult> => ({
  ...partsOf(request),
  kind: 'reschedule',
  matching: (sql, set) => jobsWhere(sql, request, (rest) => movable(sql, set, rest)),
  ...(hasKeys(sql) && {
    refused: (sql) =>
      judged(
        sql,
        whyNot(sql, request),
        jobsWhere(sql, request, (rest) => asked(sql, currentSet, rest)),
      ),
  }),
  time: (sql) => sql`coalesce(available_at, created_at)`,
  batch: (tx, context, selection) =>
    changeColumns(tx, context, {
      selection,
      where: movable(tx, context, withoutIds(request, selection)),
      assignments: tx`available_at = ${due(tx, context, request)}`,
      engine: { act: 'reschedule' },
      due: due(tx, context, request),
      event: 'job.rescheduled',
      attrs: tx`jsonb_build_object('caller', ${context.caller}::text, 'available_at', ${wireTime(tx, tx`available_at`)})`,
    }),
  ownAnswer: affectedAlone,
  output: endpoint.output,
})

const due = (sql: Sql, set: JobSet, request: RescheduleRequest): Fragment =>
  spreadFrom(sql, dueTime(sql, set, request), request.spread_seconds)

/** The new time of a row of `jobs`. A delay counts from the reference time, so that all batches give the same time. */
function dueTime(sql: Sql, set: JobSet, { available_at, by_seconds, delay_seconds = 0 }: RescheduleRequest): Fragment {
  if (available_at !== undefined) return sql`${available_at}::text::timestamptz`
  if (by_seconds === undefined) return sql`${referenceTime(sql, set)} + ${delay_seconds}::int * interval '1 second'`
  const time = sql`coalesce(available_at, created_at, now())`
  return sql`case when ${isInRange(sql, time)} then ${time} + ${by_seconds}::int * interval '1 second' else ${time} end`
}

/** An SQL condition: PostgreSQL has a time at every distance that a request can name. It ends the statement for one outside of 4714 BC to 294276. */
const isInRange = (sql: Sql, time: Fragment): Fragment =>
  sql`${time} between '4000-01-01Z BC'::timestamptz and '290000-01-01Z'::timestamptz`
