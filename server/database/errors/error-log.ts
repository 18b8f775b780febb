import type { Log } from '../../log/log.ts'
import { errorText } from '../../log/system-error.ts'
import { isConnectionLost } from './failure.ts'

/** Logs the errors of a task that is tried again and again. */
export interface ErrorLog {
  /** Logs an error, unless the error before it had the same message. A lost connection is not logged here. */
  warn: (error: unknown) => void
  /** The task has succeeded: its next error is logged, whatever its message. */
  clear: () => void
}

/** @param task what cannot be done, as the beginning of the message */
export function createErrorLog(log: Pick<Log, 'warn'>, task: string): ErrorLog {
  let logged = ''
  return {
    warn(error) {
      const why = errorText(error)
      if (isConnectionLost(error) || why === logged) return
      log.warn(`${task}: ${why}`)
      logged = why
    },
    clear() {
      logged = ''
    },
  }
}
