import { noteSuccess } from '../database/installation/background-tasks.ts'
import type { Pool } from '../database/sql.ts'
import { deleteExpiredHistory } from '../history/history-retention.ts'
import type { Log } from '../log.ts'
import { createSweep, type Sweep } from './sweep.ts'

interface Options {
  sql: Pool
  log: Pick<Log, 'info'>
  stopping: AbortSignal
}

/** Keeps the history to its terms. */
export function createHistorySweep({ sql, log, stopping }: Options): Sweep {
  let rows = 0
  return createSweep(stopping, async (isOver) => {
    const { deleted, isDone } = await deleteExpiredHistory(sql, isOver)
    rows += deleted
    if (!isDone) return false
    if (rows > 0) log.info('swept the history', { rows })
    rows = 0
    await noteSuccess(sql, 'history')
    return true
  })
}
