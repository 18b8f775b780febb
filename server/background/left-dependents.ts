import { setTimeout as wait } from 'node:timers/promises'
import type { ServerContext } from '../call.ts'
import { createErrorLog } from '../database/errors/error-log.ts'
import { isLocked } from '../database/errors/failure.ts'
import { isFrozen } from '../database/installation/freeze.ts'
import { cancelLeftDependents, hasLeftDependents } from '../lifecycle/dependents/left-dependents.ts'
import type { IsPaused } from './background-pause.ts'

/** The time between two looks, in milliseconds. */
const pauseMs = 1000

/**
 * Cancels the dependents of ended jobs that the statements which ended them have left, batch by batch, until this server stops; none while it
 * stands still. Meanwhile no worker gets them, since they wait for a job that is not completed.
 */
export async function cancelLeft(
  { operatorSql, stopping, log }: Pick<ServerContext, 'operatorSql' | 'stopping' | 'log'>,
  { isReady, isPaused }: { isReady: () => boolean; isPaused: IsPaused },
): Promise<void> {
  const errors = createErrorLog(log, 'cancelling dependents')
  while (!stopping.aborted) {
    await wait(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})
    if (stopping.aborted || !isReady()) continue
    try {
      if ((await hasLeftDependents(operatorSql)) && !(await isPaused())) await cancelAll(operatorSql, stopping)
      errors.clear()
    } catch (error) {
      if (!isLocked(error) && !isFrozen(error)) errors.warn(error)
    }
  }
}

async function cancelAll(sql: ServerContext['operatorSql'], stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const start = performance.now()
    if ((await cancelLeftDependents(sql)) === undefined) return
    // Half of the time is left to others.
    await wait(performance.now() - start, undefined, { ref: false })
  }
}
