import type { Log } from './log/log.ts'

interface Leaving {
  /** The exit code. */
  code: number
  /** False when a thread of the database cannot be ended. */
  threadsEnded: boolean
  log: Log
  /** Writes what the log has collected. */
  flush: () => void
}

/**
 * Ends this process. `process.exit` waits for all threads, and would wait for ever for one that waits for its disk: the
 * process then kills itself, and has the exit code of a process that SIGKILL ended.
 */
export function leave({ code, threadsEnded, log, flush }: Leaving): never {
  if (threadsEnded) process.exit(code)
  log.error('the thread of the embedded database waits for the disk and cannot be ended: this process kills itself')
  flush()
  process.kill(process.pid, 'SIGKILL')
  process.exit(code)
}
