import type { Waiting } from '../../../shared/changes/waiting.ts'
import type { BulkChange, Running } from '../change/bulk-change.ts'
import { stopClause } from '../change/stop-request.ts'
import { createLook } from './look.ts'
import { createPause } from './pause.ts'
import { readArchiveBytes } from './readings.ts'
import { deleteWaiting, writeWaiting } from './record.ts'

interface PauseOptions {
  mustStop: () => boolean
  /** Reports to the caller what the operation waits for, or that it goes on. */
  report: (waiting: Waiting | undefined) => void
}

/**
 * The pause of an operation (`createPause`), which tells the caller and, by the database, everybody who follows the operation. No
 * error of looking or telling reaches the change.
 */
export async function createOperationPause(
  { sql, log, operation, hold, pressureLimits: limits }: Running,
  { archives }: Pick<BulkChange<unknown>, 'archives'>,
  { mustStop, report }: PauseOptions,
): Promise<() => Promise<string | undefined>> {
  // The server before this one may have died while the change waited.
  if (hold !== undefined) await deleteWaiting(sql, operation).catch(() => {})
  const measures = archives === true && limits.archiveBytes !== undefined
  const archiveBefore = measures ? await readArchiveBytes(sql).catch(() => undefined) : undefined
  return createPause({
    look: createLook({ sql, log, limits, archiveBefore }),
    mustStop,
    async tell(waiting) {
      report(waiting)
      // The next batch meets the same error, and reports it.
      if (!waiting) return void (await deleteWaiting(sql, operation).catch(() => {}))
      const stop = await writeWaiting(sql, operation, waiting).catch(() => undefined)
      return stop && stopClause(stop)
    },
  })
}
