import { setTimeout as wait } from 'node:timers/promises'
import { isContended } from '../database/failure.ts'
import { runBatch } from './batch.ts'
import type { Bulk, Counts, Running } from './bulk.ts'
import { createPace } from './pace.ts'
import { count } from './preview.ts'

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
const mostTries = 6

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
  const pace = createPace()
  const patience = Date.now() + running.lockTimeoutMs
  for (let tries = 0; run.affected < bound; ) {
    const why = interruption(running)
    if (why) return { ...run, stop: { why } }
    const limit = Math.min(pace.size, bound - run.affected)
    try {
      const start = performance.now()
      const counts = await runBatch(running, bulk, limit)
      const done = bulk.affected(counts)
      tries = 0
      if (done > 0) {
        run = further(run, counts, done)
        told(run)
      }
      if (done === limit) {
        pace.took(performance.now() - start)
        continue
      }
      // What is left now is held by others. It is waited for, and then left.
      const left = await count(running.sql, bulk, running)
      if (left === 0) return run
      if (Date.now() > patience) return { ...run, skippedLocked: left }
      await touch(running)
      await wait(100 + Math.random() * 200)
    } catch (cause) {
      pace.backOff()
      tries += 1
      if (!isContended(cause) || tries > mostTries) return { ...run, stop: { cause } }
      await wait(Math.random() * 50 * 2 ** tries)
    }
  }
  return run
}

const further = (run: Run, counts: Counts, done: number): Run => ({
  ...run,
  affected: run.affected + done,
  batches: run.batches + 1,
  counts: Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, value + (run.counts[name] ?? 0)])),
})

/** A sign of life, as every batch is one. */
const touch = ({ sql, operation }: Running) => sql`
  update job_operations set touched_at = clock_timestamp() where id = ${operation}::bigint and state = 'running'`

function interruption({ gone, stopping }: Running): string | undefined {
  if (gone.aborted) return 'the caller hung up'
  if (stopping.aborted) return 'the server is shutting down'
  return undefined
}
