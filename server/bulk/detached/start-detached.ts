import { runOperation, type Start } from '../batches/run-operation.ts'
import type { BulkChange, Running } from '../change/bulk-change.ts'
import { type Claimed, giveBack, TakenOver } from '../change/claim.ts'
import { unattended } from '../change/commission.ts'
import { LeftToOthers, messageOf } from '../record/left-to-others.ts'
import { startHeartbeat } from '../record/liveness.ts'

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
 * Gives an operation back that has not ended. There is nothing to give back where its record was closed with the error, or where
 * another server took it over meanwhile. A server that has lost the database cannot give it back, and the operation is taken over
 * after a time of silence.
 */
async function afterError({ sql, log, operation, hold }: Running & Claimed, error: unknown): Promise<void> {
  if (error instanceof TakenOver) return log.warn(`operation ${operation} was taken over by another server`)
  const problem = error instanceof LeftToOthers ? error.message : messageOf(error)
  const given = await giveBack(sql, { operation, hold }, problem).catch(() => undefined)
  const what = given?.count === 0 ? 'ended on this server' : 'is left to another server'
  log.warn(`operation ${operation} ${what}: ${problem}`)
}
