import type { Progress } from '../../shared/changes/bulk-change.ts'
import { Failure } from '../../shared/errors.ts'
import type { Call } from '../call.ts'
import { databaseFailure, isConnectionLost } from '../database/failure.ts'
import { type RunResult, runBatches } from './batch-loop.ts'
import { beginOperation } from './begin.ts'
import type { BulkChange, RunningChange } from './bulk-change.ts'
import { conclude } from './conclude.ts'
import { startHeartbeat } from './liveness.ts'
import { countMatching } from './preview.ts'
import { type VerifiedPreview, verifyToken } from './preview-token.ts'

/**
 * The only way to a bulk change: by its preview, alone of its kind in its scope, within its bound, batch by batch,
 * with its record. The same request under the same idempotency key is answered as the first time.
 * @throws Failure `preview_stale`, `conflict` or `limit_exceeded` before anything is changed; `partial` when it stopped
 *   half-way, and any failure of the database when it stopped before its first batch
 */
export async function runBulkChange<Answer>(call: Call, bulk: BulkChange<Answer>): Promise<Answer> {
  const previewed =
    bulk.previewToken === undefined ? undefined : await verifyToken(call.sql, bulk.previewToken, subjectOf(call, bulk))
  const begun = await beginOperation(call, bulk, previewed).catch(nothingChanged)
  if ('answer' in begun) return begun.answer
  const running: RunningChange = {
    ...call,
    ...begun,
    excluded: previewed?.excluded,
    optimistic: true,
    batchLockTimeoutMs: 0,
  }
  call.localOperations.add(begun.operation)
  const rest = startHeartbeat(running)
  try {
    return await carryOut(running, bulk, previewed)
  } finally {
    rest()
    call.localOperations.delete(begun.operation)
  }
}

async function carryOut<Answer>(
  running: RunningChange,
  bulk: BulkChange<Answer>,
  previewed: VerifiedPreview | undefined,
): Promise<Answer> {
  const start = performance.now()
  await keepBound(running, bulk, previewed)
  const total = previewed?.count ?? null
  const progress = ({ affected, batches }: Pick<RunResult, 'affected' | 'batches'>): Progress => ({
    operation_id: running.operation,
    affected,
    total,
    batches,
    elapsed_ms: Math.round(performance.now() - start),
  })
  running.reportProgress(progress({ affected: 0, batches: 0 }))
  const bound = Math.min(...[bulk.limit, bulk.max, previewed?.count].map((most) => most ?? Number.MAX_SAFE_INTEGER))
  const run = await runBatches(running, bulk, bound, (run) => running.reportProgress(progress(run)))
  running.reportChangedRows(run.affected)
  return conclude(running, bulk, { run, previewed, elapsed_ms: progress(run).elapsed_ms })
}

const subjectOf = ({ caller, formerCaller }: Call, { kind, filters }: BulkChange<unknown>) => ({
  ...{ kind, filters, caller, formerCaller },
})

/** A refusal must not cost what the change would: it is counted first, and from then on the set can only shrink. */
async function keepBound(
  running: RunningChange,
  bulk: BulkChange<unknown>,
  previewed: VerifiedPreview | undefined,
): Promise<void> {
  const { max } = bulk
  if (max === undefined || (previewed && previewed.count <= max)) return
  const matching = await countMatching(running.sql, bulk, running).catch(async (cause: unknown) => {
    await forget(running).catch(() => {})
    return nothingChanged(cause)
  })
  if (matching <= max) return
  await forget(running)
  const [matches, limit] = [matching, max].map((count) => count.toLocaleString('en-US'))
  throw new Failure(
    'limit_exceeded',
    `${matches} ${matching === 1 ? 'job matches' : 'jobs match'}, above the limit of ${limit}; nothing was changed`,
    { hint: 'narrow the scope, or raise the limit' },
  )
}

/** Before the first batch, a connection that breaks leaves nobody in doubt. */
function nothingChanged(cause: unknown): never {
  throw isConnectionLost(cause) ? (databaseFailure(cause) ?? cause) : cause
}

/** A refusal leaves no record: the same preview and key may be used again. */
const forget = ({ sql, operation }: RunningChange) => sql`
  delete from job_operations where id = ${operation}::bigint and state = 'running' and affected = 0`
