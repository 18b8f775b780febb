import type { ChangeServer } from '../../call.ts'
import type { BulkChange } from '../bulk-change.ts'
import { unattended } from '../commission.ts'
import type { VerifiedPreview } from '../preview/preview-token.ts'
import { attend } from '../record/liveness.ts'
import { type Course, type RunContext, runOperation } from '../run-operation.ts'
import { type Claimed, giveBack, TakenOver } from './hold.ts'
import { LeftToOthers, messageOf } from './left-to-others.ts'

type DetachedContext = RunContext & Claimed & Pick<ChangeServer, 'workerSql' | 'localOperations' | 'detachedRuns'>

interface Detached {
  previewed: VerifiedPreview | undefined
  /** What other servers did of the operation before this one. */
  before?: Course
  storage?: string | undefined
}

/** Runs an operation in the background, until it has ended or is left to another server. Returns at once, and throws nothing. */
export function startDetached(context: DetachedContext, bulk: BulkChange<unknown>, detached: Detached): void {
  const leave = attend(context)
  const run = runOperation({ ...context, ...unattended }, bulk, detached)
    .then(
      () => {},
      (error: unknown) => afterError(context, error),
    )
    .finally(() => {
      leave()
      context.detachedRuns.delete(run)
    })
  context.detachedRuns.add(run)
}

/**
 * Gives an operation back that has not ended. Where its record was closed with the error, there is nothing to give back. A server
 * that has lost the database cannot give it back, and the operation is taken over after a time of silence.
 */
async function afterError({ sql, log, operation, hold }: DetachedContext, error: unknown): Promise<void> {
  if (error instanceof TakenOver) return log.warn(`operation ${operation} was taken over by another server`)
  const problem = error instanceof LeftToOthers ? error.message : messageOf(error)
  const given = await giveBack(sql, { operation, hold }, problem).catch(() => undefined)
  if (given?.count === 0) return
  log.warn(`operation ${operation} is left to another server: ${problem}`)
}
