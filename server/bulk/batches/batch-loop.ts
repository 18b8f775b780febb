import { setTimeout as wait } from 'node:timers/promises'
import type { Waiting } from '../../../shared/changes/waiting.ts'
import type { Holds } from '../../database/read-holds.ts'
import {
  affectedBy,
  type BatchCounts,
  type BulkChange,
  type Running,
  type RunResult,
  sumOfCounts,
} from '../change/bulk-change.ts'
import { measureRoundTrip, type RoundTrip } from '../change/round-trip.ts'
import type { Selection } from '../change/selection.ts'
import { StopRequested } from '../change/stop-request.ts'
import { holdsOf } from '../change/with-holds.ts'
import { createOperationPause } from '../pressure/operation-pause.ts'
import { runBatch } from './batch.ts'
import { decideAfterError } from './batch-errors.ts'
import { type BatchSize, createBatchSize } from './batch-size.ts'
import { type BrakePedal, createBrake } from './brake.ts'
import { type Candidates, createCandidates } from './candidates.ts'

interface Loop {
  context: Running
  bulk: BulkChange<unknown>
  batchSize: BatchSize
  roundTrip: RoundTrip
  candidates: Candidates
  brake: BrakePedal
  /** Waits while the change costs others too much; returns why it must end. */
  pause: () => Promise<string | undefined>
  optimistic: boolean
  /** The holds that the last batch has passed over. The next search for jobs passes over them, too. */
  holds: Holds
  /** Errors in a row. */
  failures: number
}

interface LoopOptions {
  /** The most jobs to change. */
  bound: number
  /** What other servers have changed of the same operation. */
  before: Pick<RunResult, 'affected' | 'counts' | 'batches'>
  /** Called after each batch that changed at least one job, and while the change waits between two batches. */
  report: (result: RunResult, waiting?: Waiting) => void
}

/** The first attempt of a batch waits this long for a lock, in milliseconds; each attempt after an error twice as long. */
const firstLockTimeoutMs = 50
const longestPauseMs = 1000

/**
 * Runs batch after batch until every matching job is changed or held by another transaction, `bound` jobs are changed,
 * the caller disconnects, or the server stops. Between two batches it waits while replicas, slots or the archive are above
 * their limits. It throws no error: batches that were committed before an error stand, and the error is in `stop`.
 */
export async function runBatches(
  context: Running,
  bulk: BulkChange<unknown>,
  { bound, before, report }: LoopOptions,
): Promise<RunResult> {
  const { affected, counts, batches } = before
  let result: RunResult = { affected, counts, batches, skippedLocked: 0 }
  const begun = await begin(context, bulk).catch((cause: unknown) => ({ cause }))
  if ('cause' in begun) return { ...result, stop: begun }
  const { roundTrip, holds } = begun
  const candidates = createCandidates(context, bulk)
  const batchSize = createBatchSize()
  const brake = createBrake(bulk.brake)
  const mustStop = () => interruption(context) !== undefined || brake.isOver()
  const pause = await createOperationPause(context, bulk, { mustStop, report: (waiting) => report(result, waiting) })
  const parts = { context, bulk, batchSize, roundTrip, candidates, brake, pause }
  const loop: Loop = { ...parts, holds, optimistic: true, failures: 0 }
  while (result.affected < bound) {
    await brake.wait(result.affected - before.affected, mustStop)
    const outcome = await tryBatch(loop, Math.min(brake.most, bound - result.affected))
    if ('end' in outcome) return { ...result, ...outcome.end }
    const affected = affectedBy(bulk, outcome.counts)
    if (affected === 0) continue
    result = addCounts(result, outcome.counts, affected)
    report(result)
  }
  return result
}

const begin = async ({ sql }: Pick<Running, 'sql'>, bulk: BulkChange<unknown>) => ({
  roundTrip: await measureRoundTrip(sql),
  holds: await holdsOf(sql, bulk),
})

type Outcome = { counts: BatchCounts } | { end: Pick<RunResult, 'stop'> | Pick<RunResult, 'skippedLocked'> }

async function tryBatch(loop: Loop, most: number): Promise<Outcome> {
  const { context, bulk, candidates, batchSize } = loop
  let selection: Selection | undefined
  try {
    selection = await candidates.next(Math.min(batchSize.size, most), loop.holds)
    if (!selection) return { end: { skippedLocked: candidates.lockedCount() } }
    const waitedFor = await loop.pause()
    if (waitedFor) return { end: { stop: { why: waitedFor, intended: true } } }
    const why = interruption(context)
    if (why) return { end: { stop: { why } } }
    if (loop.brake.isOver())
      return { end: { stop: { why: `its time was over (${bulk.brake.until})`, intended: true } } }
    return { counts: await runTimedBatch(loop, selection) }
  } catch (cause) {
    if (cause instanceof StopRequested) return { end: { stop: { why: cause.why, intended: true } } }
    return recover(loop, selection, cause)
  }
}

async function runTimedBatch(loop: Loop, selection: Selection): Promise<BatchCounts> {
  const { context, bulk, batchSize, roundTrip, candidates, optimistic, failures } = loop
  const { size } = batchSize
  const batchLockTimeoutMs = Math.min(context.lockTimeoutMs, firstLockTimeoutMs * 2 ** failures)
  const batchContext = { ...context, optimistic, batchLockTimeoutMs, roundTrip }
  const { counts, costMs, holds } = await runBatch(batchContext, bulk, selection)
  loop.failures = 0
  loop.holds = holds
  candidates.recordChanged(affectedBy(bulk, counts))
  if (selection.size === size) batchSize.recordCost(costMs)
  return counts
}

/** Applies the decision on an error. The loop takes locked jobs into account from the first error on. */
async function recover(loop: Loop, selection: Selection | undefined, cause: unknown): Promise<Outcome> {
  const { bulk, batchSize, candidates } = loop
  loop.failures += 1
  loop.optimistic = false
  if (selection) batchSize.shrinkAfterConflict(selection.size)
  const jobs = selection?.singleId === undefined ? selection && Math.max(2, selection.size) : 1
  const reportsRejected = bulk.rejected !== undefined
  const decision = decideAfterError(cause, { jobs, reportsRejected, failures: loop.failures })
  if (decision.action === 'skip') {
    loop.failures = 0
    candidates.skipLast()
    if (decision.rejection !== undefined && selection?.singleId !== undefined)
      bulk.rejected?.set(selection.singleId, decision.rejection)
    return nothingChanged
  }
  candidates.retryLast()
  if (decision.action === 'stop') return { end: { stop: { cause } } }
  if (decision.pause) await wait(Math.min(longestPauseMs, Math.random() * firstLockTimeoutMs * 2 ** loop.failures))
  return nothingChanged
}

const nothingChanged: Outcome = { counts: {} }

const addCounts = (result: RunResult, counts: BatchCounts, affected: number): RunResult => ({
  ...result,
  affected: result.affected + affected,
  batches: result.batches + 1,
  counts: sumOfCounts(result.counts, counts),
})

function interruption({ disconnected, stopping }: Pick<Running, 'disconnected' | 'stopping'>): string | undefined {
  if (disconnected().aborted) return 'the caller disconnected'
  if (stopping.aborted) return 'the server is shutting down'
  return undefined
}
