import type { Progress } from '../../../shared/changes/bulk-change.ts'
import type { Waiting } from '../../../shared/changes/waiting.ts'
import type { BulkChange, Running, RunResult } from '../change/bulk-change.ts'
import { conclude } from '../record/conclude.ts'
import { reasonToLeave } from '../record/left-to-others.ts'
import type { VerifiedPreview } from '../token/preview-token.ts'
import { runBatches } from './batch-loop.ts'
import { findRewritten, type Storage } from './rewritten.ts'

/** How far an operation has come. */
export interface Course extends Pick<RunResult, 'affected' | 'counts' | 'batches'> {
  elapsed_ms: number
}

/** What is known of an operation when this server runs it. */
export interface Start {
  previewed: VerifiedPreview | undefined
  /** What other servers did of the operation before this one. */
  before?: Course
  /** The files of the rows of `jobs` before it began; undefined for a change by a preview, which says what it has skipped. */
  storage?: Storage | undefined
}

const nothing: Course = { affected: 0, counts: {}, batches: 0, elapsed_ms: 0 }

/**
 * Runs the batches of an operation that has begun, and closes its record.
 * @throws Failure as `runBulkChange` does; LeftToOthers where another server goes on with it
 */
export async function runOperation<Answer>(
  context: Running,
  bulk: BulkChange<Answer>,
  { previewed, before = nothing, storage }: Start,
): Promise<Answer> {
  const start = performance.now() - before.elapsed_ms
  const total = previewed?.count ?? null
  const progress = ({ affected, batches }: Pick<RunResult, 'affected' | 'batches'>, waiting?: Waiting): Progress => ({
    operation_id: context.operation,
    affected,
    total,
    batches,
    elapsed_ms: Math.round(performance.now() - start),
    ...(waiting && { waiting }),
  })
  context.reportProgress(progress(before))
  const bounds = [bulk.limit, bulk.max, previewed?.count].map((bound) => bound ?? Number.MAX_SAFE_INTEGER)
  const report = (result: RunResult, waiting?: Waiting) => context.reportProgress(progress(result, waiting))
  const bound = Math.min(...bounds)
  const run = await runBatches(context, bulk, { bound, before, report })
  context.reportChangedRows(run.affected)
  const why = context.hold === undefined ? undefined : reasonToLeave(run.stop)
  if (why) throw why
  const isWhole = run.stop === undefined && run.affected < bound
  const cause =
    isWhole && storage !== undefined
      ? await findRewritten(context.sql, context, { bulk, before: storage }).catch((error: unknown) => error)
      : undefined
  const ended = cause !== undefined ? { ...run, stop: { cause } } : run
  return conclude(context, bulk, { run: ended, previewed, elapsed_ms: progress(run).elapsed_ms })
}
