import { setTimeout as wait } from 'node:timers/promises'
import { isContended, isRowLocked, isUnwanted } from '../database/failure.ts'
import { runBatch } from './batch.ts'
import { createPace } from './batch-size.ts'
import type { Bulk, Counts, Running } from './bulk-change.ts'
import { searchFor } from './candidates.ts'
import { type Lot, Outgrown } from './selection.ts'

/** How far a change has come, and what stopped it. */
export interface Run {
  affected: number
  counts: Counts
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
  running: Running,
  bulk: Bulk<unknown>,
  bound: number,
  told: (run: Run) => void,
): Promise<Run> {
  let run: Run = { affected: 0, counts: {}, batches: 0, skippedLocked: 0 }
  let { hasty } = running
  const pace = createPace()
  const search = searchFor(running, bulk)
  for (let tries = 0; run.affected < bound; ) {
    let lot: Lot | undefined
    try {
      lot = await search.next(Math.min(pace.size, bound - run.affected))
      if (!lot) return { ...run, skippedLocked: search.held() }
      const why = interruption(running)
      if (why) return { ...run, stop: { why } }
      const start = performance.now()
      const patienceMs = Math.min(running.lockTimeoutMs, firstPatience * 2 ** tries)
      const counts = await runBatch({ ...running, hasty, patienceMs }, bulk, lot)
      const done = bulk.affected(counts)
      tries = 0
      search.changed(done)
      if (done > 0) {
        run = further(run, counts, done)
        told(run)
      }
      if (lot.size === pace.size) pace.took(performance.now() - start)
    } catch (cause) {
      tries += 1
      hasty = false
      if (lot) pace.backOff(lot.size)
      if (lot?.only !== undefined && isLeft(cause, bulk, lot.only)) {
        tries = 0 // it is one of its own that stands in the way of the others
        search.left()
        continue
      }
      search.again()
      if (lot && bulk.refused && isUnwanted(cause)) continue
      if (cause instanceof Outgrown) continue
      if (!isContended(cause) || tries > mostTries) return { ...run, stop: { cause } }
      await wait(Math.min(1000, Math.random() * firstPatience * 2 ** tries))
    }
  }
  return run
}

/** What hangs on this job is held by others, so that it is left like one that is held itself; or it is refused, and told. */
function isLeft(cause: unknown, { refused }: Bulk<unknown>, id: number): boolean {
  if (refused && isUnwanted(cause)) {
    refused.set(id, cause instanceof Error ? cause.message : String(cause))
    return true
  }
  return isRowLocked(cause)
}

const further = (run: Run, counts: Counts, done: number): Run => ({
  ...run,
  affected: run.affected + done,
  batches: run.batches + 1,
  counts: Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, value + (run.counts[name] ?? 0)])),
})

function interruption({ gone, stopping }: Running): string | undefined {
  if (gone().aborted) return 'the caller hung up'
  if (stopping.aborted) return 'the server is shutting down'
  return undefined
}
