import type { BulkChange, Running } from '../bulk-change.ts'
import { unattended } from '../commission.ts'
import { startHeartbeat } from '../record/liveness.ts'
import { runOperation, type Start } from '../run-operation.ts'
import { type Claimed, giveBack, TakenOver } from './hold.ts'
import { LeftToOthers, messageOf } from './left-to-others.ts'

/** Runs an operation in the background, until it has ended or is left to another server. Returns at once, and throws nothing. */
export function startDetached(context: Running & Claimed, bulk: BulkChange<unknown>, start: Start): void {
  const stopHeartbeat = startHeartbeat(context)
  const run = runOperation({ ...context, ...unattended }, bulk, start)
    .then(
      () => {},
      (error: unknown) => afterError(context, error),
    )
    .finally(() => {
      stopHeartbeat()
      context.detachedRuns.delete(run)
    })
  context.detachedRuns.add(run)
}

/**
 * Gives an operation back that has not ended. Where its record was closed with the error, there is nothing to give back. A server
 * that has lost the database cannot give it back, and the operation is taken over after a time of silence.
 */
async function afterError({ sql, log, operation, hold }: Running & Claimed, error: unknown): Promise<void> {
  if (error instanceof TakenOver) return log.warn(`operation ${operation} was taken over by another server`)
  const problem = error instanceof LeftToOthers ? error.message : messageOf(error)
  const given = await giveBack(sql, { operation, hold }, problem).catch(() => undefined)
  if (given?.count === 0) return
  log.warn(`operation ${operation} is left to another server: ${problem}`)
}
