import { Failure } from '../../shared/errors.ts'
import { databaseFailure, isConnectionLost, lossOf } from '../database/failure.ts'
import { limitIdleTime } from '../database/idle-timeout.ts'
import { outcomeUnknown } from '../database/outcome-unknown.ts'
import type { Pool, Sql } from '../database/sql.ts'
import type { BatchContext, BatchCounts, BulkChange, Operation, Origin } from './bulk-change.ts'
import { RangeOutgrown, type Selection } from './selection.ts'

interface TransactionContext extends BatchContext {
  sql: Pool
  /** How long each statement of the batch waits for a lock, in milliseconds. */
  batchLockTimeoutMs: number
}

/**
 * Runs one batch in a transaction of its own: changes the jobs, adds the counts to the record, and writes the event. The
 * transaction locks the record, which tells other servers that the operation is alive.
 * @throws Failure `outcome_unknown` when the connection broke during the commit, `database_unavailable` when the connection
 *   broke before the commit, `conflict` when another server closed the record; RangeOutgrown; any other error of
 *   PostgreSQL unchanged
 */
export async function runBatch(
  context: TransactionContext,
  bulk: BulkChange<unknown>,
  selection: Selection,
): Promise<BatchCounts> {
  let committing = false
  const transaction = context.sql.begin(async (tx) => {
    await lockRecord(tx, context)
    const counts = await bulk.batch(tx, context, selection)
    const affected = bulk.affected(counts)
    // A row that was committed below a savepoint may appear in the range after the range was counted; the bound holds anyway.
    if (!selection.hasFixedIds && affected > selection.size) throw new RangeOutgrown()
    await addToRecord(tx, context, counts, affected)
    if (affected > 0) await insertEvent(tx, context, bulk, affected)
    committing = true
    return { counts }
  })
  const { counts } = await transaction.catch((error: unknown) => {
    if (!isConnectionLost(error)) throw error
    if (!committing) throw databaseFailure(error)
    const because = lossOf(error)
    throw outcomeUnknown({ because, hint: 'the record of the operation shows which', retryAfter: 5, cause: error })
  })
  return counts
}

async function lockRecord(
  tx: Sql,
  { operation, batchLockTimeoutMs }: Pick<TransactionContext, 'operation' | 'batchLockTimeoutMs'>,
): Promise<void> {
  const [record] = await tx`
    select id, ${limitIdleTime(tx)}, set_config('lock_timeout', ${String(batchLockTimeoutMs)}, true)
    from job_operations
    where id = ${operation}::bigint and state = 'running'
    for update`
  if (!record)
    throw new Failure('conflict', 'another server marked this operation as orphaned and closed it; nothing was changed')
}

const addToRecord = (tx: Sql, { operation }: Pick<Operation, 'operation'>, counts: BatchCounts, affected: number) => tx`
  update job_operations
  set affected = affected + ${affected}::bigint,
      batches = batches + ${affected > 0 ? 1 : 0}::int,
      counts = (
        select coalesce(jsonb_object_agg(name, coalesce((counts ->> name)::bigint, 0) + value::bigint), '{}')
        from jsonb_each_text(${JSON.stringify(counts)}::text::jsonb) as batch (name, value)
      ),
      touched_at = clock_timestamp()
  where id = ${operation}::bigint`

/** Writes the event of a batch: which operation changed how many jobs, for which caller and reason. */
function insertEvent(
  tx: Sql,
  { operation, caller, reason, asOf, requestId }: Operation & Origin,
  bulk: BulkChange<unknown>,
  affected: number,
) {
  const { domain = null, queue = null, job_type = null } = bulk.scope
  const as_of = bulk.previewToken === undefined ? undefined : asOf
  const attrs = { operation, affected, caller, reason, as_of, filters: bulk.request }
  return tx`
    insert into job_events (event_type, domain, queue, job_type, attrs_json, request_id)
    values (${bulk.event}, ${domain}, ${queue}, ${job_type}, ${JSON.stringify(attrs)}::text::jsonb, ${requestId})`
}
