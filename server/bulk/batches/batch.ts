import { requireNoneElsewhere } from '../../auth/require-scope.ts'
import { databaseFailure, isConnectionLost, lossOf } from '../../database/errors/failure.ts'
import { outcomeUnknown } from '../../database/errors/outcome-unknown.ts'
import { refuseWhileFrozen } from '../../database/installation/freeze.ts'
import type { Holds } from '../../database/read-holds.ts'
import type { Sql } from '../../database/sql.ts'
import { limitIdleTime } from '../../database/timeouts.ts'
import {
  affectedBy,
  type BatchContext,
  type BatchCounts,
  type BulkChange,
  type Running,
} from '../change/bulk-change.ts'
import { closedByAnother, runningRecord, TakenOver } from '../change/claim.ts'
import type { RoundTrip } from '../change/round-trip.ts'
import { RangeOutgrown, type Selection } from '../change/selection.ts'
import { type StopRequest, StopRequested, stopClause, stopRequest } from '../change/stop-request.ts'
import { holdsOf } from '../change/with-holds.ts'
import { addToRecord, insertEvent } from '../record/add-to-record.ts'
import { requireNoneKept } from './kept-rows.ts'

interface TransactionContext extends Omit<BatchContext, 'holds'>, Pick<Running, 'sql' | 'hold'> {
  /** How long each statement of the batch waits for a lock, in milliseconds. */
  batchLockTimeoutMs: number
  roundTrip: RoundTrip
}

/** What a batch did, and what it cost other transactions. */
export interface BatchResult {
  counts: BatchCounts
  /**
   * How long the batch held locks on jobs, in milliseconds, without its round trips to the database. A commit that waits for
   * the disk or a synchronous replica counts: other transactions wait for it, too.
   */
  costMs: number
  /** The holds that the batch has passed over. */
  holds: Holds
}

/** The statements after those of the change itself: record and event are sent together, then the commit. */
const finalRoundTrips = 2

/**
 * Runs one batch in a transaction of its own: changes the jobs, adds the counts to the record, and writes the event. The
 * transaction locks the record, which tells other servers that the operation is alive. The statement that takes this lock does
 * hardly any work, so its duration is recorded as a round trip.
 * @throws Failure `forbidden` where it would change jobs outside of the scope of its caller; `outcome_unknown` when the connection broke during the commit, `database_unavailable` when the connection
 *   broke before the commit, `conflict` when another server closed the record, `frozen`; TakenOver; RangeOutgrown; RowsKept; StopRequested;
 *   any other error of PostgreSQL unchanged
 */
export async function runBatch(
  context: TransactionContext,
  bulk: BulkChange<unknown>,
  selection: Selection,
): Promise<BatchResult> {
  const { roundTrip } = context
  let committing = false
  const transaction = context.sql.begin(async (tx) => {
    const begun = performance.now()
    // A hold that is added now waits for the record, and one that was added before is read.
    const readHolds = () => holdsOf(tx, bulk)
    const [, holds] = await Promise.all([refuseWhileFrozen(tx), lockRecord(tx, context).then(readHolds)])
    const start = performance.now()
    roundTrip.record(start - begun)
    const counts = await bulk.batch(tx, { ...context, holds }, selection)
    const affected = affectedBy(bulk, counts)
    await requireNoneKept(tx, bulk, context, { selection, affected })
    // A job outside may have begun to depend on the set since it was counted.
    requireNoneElsewhere(context, counts.dependents_elsewhere ?? 0)
    // A row that was committed below a savepoint may appear in the range after the range was counted; the bound holds anyway.
    if (!selection.hasFixedIds && affected > selection.size) throw new RangeOutgrown()
    await Promise.all([
      addToRecord(tx, context, counts, affected),
      affected > 0 && insertEvent(tx, context, bulk, affected),
    ])
    committing = true
    return { counts, start, holds }
  })
  const { counts, start, holds } = await transaction.catch((error: unknown) => {
    if (!isConnectionLost(error)) throw error
    if (!committing) throw databaseFailure(error)
    const because = lossOf(error)
    throw outcomeUnknown({ because, hint: 'the record of the operation shows which', retryAfter: 5, cause: error })
  })
  const roundTrips = (bulk.batchStatements ?? 1) + finalRoundTrips
  return { counts, holds, costMs: Math.max(0, performance.now() - start - roundTrips * roundTrip.ms) }
}

async function lockRecord(
  tx: Sql,
  { operation, hold, batchLockTimeoutMs }: Pick<TransactionContext, 'operation' | 'hold' | 'batchLockTimeoutMs'>,
): Promise<void> {
  const [record] = await tx<{ stop: StopRequest | null }[]>`
    select id, ${stopRequest(tx)} as stop, ${limitIdleTime(tx)}, set_config('lock_timeout', ${String(batchLockTimeoutMs)}, true)
    ${runningRecord(tx, { operation, hold })}
    for update`
  if (!record && hold !== undefined) throw new TakenOver()
  if (!record) throw closedByAnother()
  if (record.stop) throw new StopRequested(stopClause(record.stop))
}
