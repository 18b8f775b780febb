import { setTimeout as wait } from 'node:timers/promises'
import { closeOrphans } from '../bulk/liveness.ts'
import { isConnectionLost } from '../database/failure.ts'
import type { Pool } from '../database/sql.ts'
import type { Log } from '../log.ts'
import { deleteExpiredArchive } from '../undo/archive-retention.ts'

const pauseMs = 5000
const sweepEveryMs = 5 * 60_000

interface House {
  sql: Pool
  log: Log
  localOperations: ReadonlySet<number>
  archiveDays: number
  isReady: () => boolean
  stopping: AbortSignal
}

/**
 * What has to be done now and then, as long as the server runs: operations that a server left behind are ended, and
 * the archive is swept. Several servers may do it at once, and pass over what another has in hand.
 */
export async function runMaintenance({
  sql,
  log,
  localOperations,
  archiveDays,
  isReady,
  stopping,
}: House): Promise<void> {
  let said = ''
  for (let swept = Number.NEGATIVE_INFINITY; !stopping.aborted; ) {
    await wait(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})
    if (stopping.aborted || !isReady()) continue
    try {
      await closeOrphans({ sql, log, localOperations })
      if (performance.now() - swept < sweepEveryMs) continue
      const deleted = await deleteExpiredArchive(sql, { days: archiveDays, stopping })
      if (deleted > 0) log.info('swept the archive', { rows: deleted })
      swept = performance.now()
      said = ''
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      if (isConnectionLost(error) || why === said) continue
      log.warn(`housekeeping: ${why}`)
      said = why
    }
  }
}
