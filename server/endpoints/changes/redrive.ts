import type * as z from 'zod'
import { type RedriveRequest as Asked, redrive as endpoint } from '../../../shared/changes/redrive.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import { isUnchangedSince, ofEveryRow } from '../../bulk/token/snapshot.ts'
import { isInState } from '../../database/job-filter.ts'
import type { Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { moveEngineJobs } from '../../undo/engine/move-jobs.ts'
import { requireMoves } from '../../undo/engine/target.ts'
import { affectedAlone } from './affecting.ts'
import { isSelected, jobsWhere, partsOf, withoutIds } from './filtered.ts'
import { isBehind, judged, whyBehind } from './refused.ts'

type RedriveResult = z.output<typeof endpoint.output>
type RedriveRequest = Within<Asked>

/** Moves waiting jobs out of dead letter queues, back into the queues that they came from. */
export function describe(request: RedriveRequest): BulkChange<RedriveResult> {
  const rejected = new Map<JobId, string>()
  return {
    ...partsOf(request),
    kind: 'redrive',
    archives: true,
    matching: (sql, set) => sql`${mayMove(sql, set, request)} and not ${waits(sql, set, request)}`,
    rejected,
    refused: (sql, set) => refusedByEngine(sql, set, request),
    time: (sql) => sql`created_at`,
    batch: (tx, context, selection) =>
      moveEngineJobs(tx, context, requireMoves(tx), {
        selection,
        where: movable(tx, context, withoutIds(request, selection)),
        rejected,
      }),
    // The version of the tables, the columns of the archive, and the move.
    batchStatements: 3,
    ownAnswer: affectedAlone,
    output: endpoint.output,
  }
}

/** True for dead letters that the request asks for, also those that cannot move. */
function asked(sql: Sql, set: JobSet, request: RedriveRequest): Fragment {
  const { moves, found } = requireMoves(sql)
  return sql`${isInState(sql, 'queued')} and ${moves.isDeadLetter(sql, found)} and ${isSelected(sql, set, request)}`
}

/** An SQL expression on `jobs`: why a dead letter cannot move; null where it can. */
function whyNot(sql: Sql, { within }: RedriveRequest): Fragment {
  const { moves, found } = requireMoves(sql)
  return moves.whyNot(sql, found, within)
}

/** True for jobs that the redrive takes, but for those that want the same place; the preview and the change share this condition. */
const movable = (sql: Sql, set: JobSet, request: RedriveRequest): Fragment => sql`
  ${asked(sql, set, request)} and ${whyNot(sql, request)} is null`

/** `from jobs where …` */
const mayMove = (sql: Sql, set: JobSet, request: RedriveRequest): Fragment =>
  jobsWhere(sql, request, (rest) => movable(sql, set, rest))

/** True for a dead letter whose place an older one gets, or a job that was sent or changed since the preview had. */
function waits(sql: Sql, set: JobSet, request: RedriveRequest): Fragment {
  const { moves, found } = requireMoves(sql)
  return isBehind(sql, {
    places: [moves.place(sql, found)],
    taken: mayMove(sql, set, request),
    changed: set.snapshot === undefined ? undefined : sql`not ${isUnchangedSince(sql, ofEveryRow(set.snapshot))}`,
  })
}

/** A query of `(job_id, reason)`: dead letters that cannot move. */
function refusedByEngine(sql: Sql, set: JobSet, request: RedriveRequest): Fragment {
  return judged(
    sql,
    sql`coalesce(${whyNot(sql, request)}, ${whyBehind(sql, waits(sql, set, request))})`,
    jobsWhere(sql, request, (rest) => asked(sql, set, rest)),
  )
}
