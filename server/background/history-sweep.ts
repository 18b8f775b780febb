import type { Pool } from '../database/sql.ts'
import { deleteExpiredHistory } from '../history/history-retention.ts'
import type { Log } from '../log.ts'

const sweepEveryMs = 5 * 60_000
/** The most time of one run, since other tasks of the maintenance wait behind it. */
const longestRunMs = 2000

interface Options {
  sql: Pool
  log: Pick<Log, 'info'>
  stopping: AbortSignal
}

/** Keeps the history to its terms. */
export interface HistorySweep {
  /**
   * Deletes the history whose term is over, every 5 minutes, for 2 s at most: the next run goes on.
   * @throws the error of the database; the next try is 5 minutes later
   */
  run: () => Promise<void>
}

export function createHistorySweep({ sql, log, stopping }: Options): HistorySweep {
  let [nextAt, rows] = [Number.NEGATIVE_INFINITY, 0]
  return {
    async run() {
      const now = performance.now()
      if (now < nextAt) return
      nextAt = now + sweepEveryMs
      const isOver = () => stopping.aborted || performance.now() > now + longestRunMs
      const { deleted, isDone } = await deleteExpiredHistory(sql, isOver)
      rows += deleted
      if (!isDone) {
        nextAt = now
        return
      }
      if (rows > 0) log.info('swept the history', { rows })
      rows = 0
    },
  }
}
