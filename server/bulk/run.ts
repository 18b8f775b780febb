import type { Progress } from '../../shared/changes/bulk-change.ts'
import { Failure } from '../../shared/errors.ts'
import type { Call } from '../call.ts'
import { databaseFailure, isConnectionLost } from '../database/failure.ts'
import { type Run, runBatches } from './batch-loop.ts'
import { begin } from './begin.ts'
import type { Bulk, Running } from './bulk-change.ts'
import { conclude } from './conclude.ts'
import { beat } from './liveness.ts'
import { count } from './preview.ts'
import { type Previewed, readToken } from './preview-token.ts'

/**
 * The only way to a bulk change: by its preview, alone of its kind in its scope, within its bound, batch by batch,
 * with its record. The same request under the same idempotency key is answered as the first time.
 * @throws Failure `preview_stale`, `conflict` or `limit_exceeded` before anything is changed; `partial` when it stopped
 *   half-way, and any failure of the database when it stopped before its first batch
 */
export async function change<Answer>(call: Call, bulk: Bulk<Answer>): Promise<Answer> {
  const previewed = bulk.token === undefined ? undefined : await readToken(call.sql, bulk.token, subjectOf(call, bulk))
  const begun = await begin(call, bulk, previewed).catch(nothingChanged)
  if ('answer' in begun) return begun.answer
  const running: Running = { ...call, ...begun, except: previewed?.except, hasty: true, patienceMs: 0 }
  call.underway.add(begun.operation)
  const rest = beat(running)
  try {
    return await carryOut(running, bulk, previewed)
  } finally {
    rest()
    call.underway.delete(begun.operation)
  }
}

async function carryOut<Answer>(
  running: Running,
  bulk: Bulk<Answer>,
  previewed: Previewed | undefined,
): Promise<Answer> {
  const start = performance.now()
  await keepBound(running, bulk, previewed)
  const total = previewed?.count ?? null
  const progress = ({ affected, batches }: Pick<Run, 'affected' | 'batches'>): Progress => ({
    operation_id: running.operation,
    affected,
    total,
    batches,
    elapsed_ms: Math.round(performance.now() - start),
  })
  running.progressed(progress({ affected: 0, batches: 0 }))
  const bound = Math.min(...[bulk.limit, bulk.max, previewed?.count].map((most) => most ?? Number.MAX_SAFE_INTEGER))
  const run = await runBatches(running, bulk, bound, (run) => running.progressed(progress(run)))
  running.changed(run.affected)
  return conclude(running, bulk, { run, previewed, elapsed_ms: progress(run).elapsed_ms })
}

const subjectOf = ({ caller }: Call, { kind, filters }: Bulk<unknown>) => ({ kind, filters, caller })

/** A refusal must not cost what the change would: it is counted first, and from then on the set can only shrink. */
async function keepBound(running: Running, bulk: Bulk<unknown>, previewed: Previewed | undefined): Promise<void> {
  const { max } = bulk
  if (max === undefined || (previewed && previewed.count <= max)) return
  const matching = await count(running.sql, bulk, running).catch(async (cause: unknown) => {
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
const forget = ({ sql, operation }: Running) => sql`
  delete from job_operations where id = ${operation}::bigint and state = 'running' and affected = 0`
