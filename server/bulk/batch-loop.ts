import { setTimeout as wait } from 'node:timers/promises'
import { isContended, isRejectedByTables, isRowLocked } from '../database/failure.ts'
import { runBatch } from './batch.ts'
import { createBatchSize } from './batch-size.ts'
import type { BatchCounts, BulkChange, RunningChange } from './bulk-change.ts'
import { createCandidates } from './candidates.ts'
import { RangeOutgrown, type Selection } from './selection.ts'

/** How far a change has come, and what stopped it. */
export interface RunResult {
  affected: number
  counts: BatchCounts
  batches: number
  /** Left, since others held them to the end. */
  skippedLocked: number
  /** What went wrong, or why it was stopped half-way. */
  stop?: { cause: unknown } | { why: string }
}

/** How often in a row a batch may meet a lock or a limit. */
const mostTries = 8
/** The first try waits no longer for a lock than a worker would notice, in milliseconds; each one after it twice as long. */
const firstPatience = 50

/**
 * Batch after batch, until nothing is left that is not held by others, or `bound` jobs are changed, or the caller
 * hangs up, or the server stops. It throws nothing: what was done before a failure stands.
 */
export async function runBatches(
  running: RunningChange,
  bulk: BulkChange<unknown>,
  bound: number,
  told: (run: RunResult) => void,
): Promise<RunResult> {
  let run: RunResult = { affected: 0, counts: {}, batches: 0, skippedLocked: 0 }
  let { optimistic } = running
  const pace = createBatchSize()
  const search = createCandidates(running, bulk)
  for (let tries = 0; run.affected < bound; ) {
    let selection: Selection | undefined
    try {
      selection = await search.next(Math.min(pace.size, bound - run.affected))
      if (!selection) return { ...run, skippedLocked: search.lockedCount() }
      const why = interruption(running)
      if (why) return { ...run, stop: { why } }
      const start = performance.now()
      const batchLockTimeoutMs = Math.min(running.lockTimeoutMs, firstPatience * 2 ** tries)
      const counts = await runBatch({ ...running, optimistic, batchLockTimeoutMs }, bulk, selection)
      const done = bulk.affected(counts)
      tries = 0
      search.recordChanged(done)
      if (done > 0) {
        run = further(run, counts, done)
        told(run)
      }
      if (selection.size === pace.size) pace.recordDuration(performance.now() - start)
    } catch (cause) {
      tries += 1
      optimistic = false
      if (selection) pace.shrinkAfterConflict(selection.size)
      if (selection?.singleId !== undefined && leaveJob(cause, bulk, selection.singleId)) {
        tries = 0 // it is one of its own that stands in the way of the others
        search.skipLast()
        continue
      }
      search.retryLast()
      if (selection && bulk.rejected && isRejectedByTables(cause)) continue
      if (cause instanceof RangeOutgrown) continue
      if (!isContended(cause) || tries > mostTries) return { ...run, stop: { cause } }
      await wait(Math.min(1000, Math.random() * firstPatience * 2 ** tries))
    }
  }
  return run
}

/** What hangs on this job is held by others, so that it is left like one that is held itself; or it is refused, and told. */
function leaveJob(cause: unknown, { rejected }: BulkChange<unknown>, id: number): boolean {
  if (rejected && isRejectedByTables(cause)) {
    rejected.set(id, cause instanceof Error ? cause.message : String(cause))
    return true
  }
  return isRowLocked(cause)
}

const further = (run: RunResult, counts: BatchCounts, done: number): RunResult => ({
  ...run,
  affected: run.affected + done,
  batches: run.batches + 1,
  counts: Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, value + (run.counts[name] ?? 0)])),
})

function interruption({ disconnected, stopping }: RunningChange): string | undefined {
  if (disconnected().aborted) return 'the caller hung up'
  if (stopping.aborted) return 'the server is shutting down'
  return undefined
}
