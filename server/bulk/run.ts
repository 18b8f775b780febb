import type { Progress } from '../../shared/changes/bulk-change.ts'
import { Failure } from '../../shared/errors.ts'
import type { Call } from '../call.ts'
import { databaseFailure, isConnectionLost } from '../database/failure.ts'
import { type LoopContext, type RunResult, runBatches } from './batch-loop.ts'
import { type BeginContext, beginOperation } from './begin.ts'
import type { BulkChange } from './bulk-change.ts'
import { type ConcludeContext, conclude } from './conclude.ts'
import { startHeartbeat } from './liveness.ts'
import { countMatching } from './preview/count-matching.ts'
import { type VerifiedPreview, verifyToken } from './preview/preview-token.ts'

/** What the engine needs of a call. */
type BulkCall = BeginContext &
  Pick<
    Call,
    | 'workerSql'
    | 'lockTimeoutMs'
    | 'disconnected'
    | 'stopping'
    | 'reportProgress'
    | 'reportChangedRows'
    | 'localOperations'
  >

type RunContext = LoopContext & ConcludeContext & Pick<Call, 'reportProgress' | 'reportChangedRows'>

/**
 * Runs a bulk change, and is the only way to run one: it verifies the preview, begins an operation that is alone of its kind
 * in its scope, enforces `max`, runs the batches, and closes the record. An idempotent replay returns the first answer.
 * @throws Failure `preview_stale`, `conflict` or `limit_exceeded` before any job is changed; `partial` when the operation
 *   stopped after some jobs; `outcome_unknown` when its last batch may or may not be committed; any failure of the database
 *   when it stopped before its first batch
 */
export async function runBulkChange<Answer>(call: BulkCall, bulk: BulkChange<Answer>): Promise<Answer> {
  const { previewToken, kind, filters } = bulk
  const subject = { kind, filters, caller: call.caller, formerCaller: call.formerCaller }
  const previewed = previewToken === undefined ? undefined : await verifyToken(call.sql, previewToken, subject)
  const begun = await beginOperation(call, bulk, previewed).catch(rethrowBeforeFirstBatch)
  if ('answer' in begun) return begun.answer
  call.localOperations.add(begun.operation)
  const stopHeartbeat = startHeartbeat({ sql: call.workerSql, operation: begun.operation })
  try {
    return await runOperation({ ...call, ...begun }, bulk, previewed)
  } finally {
    stopHeartbeat()
    call.localOperations.delete(begun.operation)
  }
}

async function runOperation<Answer>(
  context: RunContext,
  bulk: BulkChange<Answer>,
  previewed: VerifiedPreview | undefined,
): Promise<Answer> {
  const start = performance.now()
  await enforceMax(context, bulk, previewed)
  const total = previewed?.count ?? null
  const progress = ({ affected, batches }: Pick<RunResult, 'affected' | 'batches'>): Progress => ({
    operation_id: context.operation,
    affected,
    total,
    batches,
    elapsed_ms: Math.round(performance.now() - start),
  })
  context.reportProgress(progress({ affected: 0, batches: 0 }))
  const bounds = [bulk.limit, bulk.max, previewed?.count].map((bound) => bound ?? Number.MAX_SAFE_INTEGER)
  const report = (result: RunResult) => context.reportProgress(progress(result))
  const run = await runBatches(context, bulk, { bound: Math.min(...bounds), report })
  context.reportChangedRows(run.affected)
  return conclude(context, bulk, { run, previewed, elapsed_ms: progress(run).elapsed_ms })
}

/**
 * Counts the set once where a preview has not counted it already; afterwards the set can only shrink.
 * @throws Failure `limit_exceeded`; the record is deleted, so that the preview and the idempotency key can be used again
 */
async function enforceMax(
  context: Pick<RunContext, 'sql' | 'operation' | 'asOf' | 'snapshot' | 'excluded'>,
  bulk: Pick<BulkChange<unknown>, 'max' | 'matching'>,
  previewed: VerifiedPreview | undefined,
): Promise<void> {
  const { max } = bulk
  if (max === undefined || (previewed && previewed.count <= max)) return
  const matching = await countMatching(context.sql, bulk, context).catch(async (cause: unknown) => {
    await deleteRecord(context).catch(() => {})
    return rethrowBeforeFirstBatch(cause)
  })
  if (matching <= max) return
  await deleteRecord(context)
  const [matches, limit] = [matching, max].map((count) => count.toLocaleString('en-US'))
  throw new Failure(
    'limit_exceeded',
    `${matches} ${matching === 1 ? 'job matches' : 'jobs match'}, above the limit of ${limit}; nothing was changed`,
    { hint: 'narrow the scope, or raise the limit' },
  )
}

/** A connection that breaks before the first batch changed no job, so the outcome is known. */
function rethrowBeforeFirstBatch(cause: unknown): never {
  throw isConnectionLost(cause) ? (databaseFailure(cause) ?? cause) : cause
}

const deleteRecord = ({ sql, operation }: Pick<RunContext, 'sql' | 'operation'>) => sql`
  delete from job_operations where id = ${operation}::bigint and state = 'running' and affected = 0`
