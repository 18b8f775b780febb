import { Failure } from '../../shared/errors.ts'
import { databaseFailure, isConnectionLost, lossOf } from '../database/failure.ts'
import { limitIdleTime } from '../database/idle-timeout.ts'
import { outcomeUnknown } from '../database/outcome-unknown.ts'
import type { Sql } from '../database/sql.ts'
import type { BatchCounts, BulkChange, RunningChange } from './bulk-change.ts'
import { RangeOutgrown, type Selection } from './selection.ts'

/**
 * One batch, in a transaction of its own: the jobs, what the record says of them, and the event. The record is locked
 * meanwhile, as the sign that somebody is at work.
 * @throws Failure `outcome_unknown` when the connection broke during the commit, `database_unavailable` when it broke
 *   before, `conflict` when another server has ended the operation; anything else of the database as it is
 */
export async function runBatch(
  running: RunningChange,
  bulk: BulkChange<unknown>,
  selection: Selection,
): Promise<BatchCounts> {
  let committing = false
  const work = running.sql.begin(async (tx) => {
    await hold(tx, running)
    const counts = await bulk.batch(tx, running, selection)
    const done = bulk.affected(counts)
    // What was written below a savepoint as the change began may show only now, and a bound holds for that, too.
    if (!selection.hasFixedIds && done > selection.size) throw new RangeOutgrown()
    await record(tx, running, counts, done)
    if (done > 0) await tell(tx, running, bulk, done)
    committing = true
    return { counts }
  })
  const { counts } = await work.catch((error: unknown) => {
    if (!isConnectionLost(error)) throw error
    if (!committing) throw databaseFailure(error)
    const because = lossOf(error)
    throw outcomeUnknown({ because, hint: 'the record of the operation shows which', retryAfter: 5, cause: error })
  })
  return counts
}

async function hold(tx: Sql, { operation, batchLockTimeoutMs }: RunningChange): Promise<void> {
  const [held] = await tx`
    select id, ${limitIdleTime(tx)}, set_config('lock_timeout', ${String(batchLockTimeoutMs)}, true)
    from job_operations
    where id = ${operation}::bigint and state = 'running'
    for update`
  if (!held)
    throw new Failure('conflict', 'another server took this operation for dead, and ended it; nothing was changed')
}

const record = (tx: Sql, { operation }: RunningChange, counts: BatchCounts, done: number) => tx`
  update job_operations
  set affected = affected + ${done}::bigint,
      batches = batches + ${done > 0 ? 1 : 0}::int,
      counts = (
        select coalesce(jsonb_object_agg(name, coalesce((counts ->> name)::bigint, 0) + value::bigint), '{}')
        from jsonb_each_text(${JSON.stringify(counts)}::text::jsonb) as batch (name, value)
      ),
      touched_at = clock_timestamp()
  where id = ${operation}::bigint`

/** Who changed what, and why, among the events. */
function tell(
  tx: Sql,
  { operation, caller, reason, asOf, requestId }: RunningChange,
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
