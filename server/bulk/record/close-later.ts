import { setTimeout as wait } from 'node:timers/promises'
import type { BulkChange, Running } from '../change/bulk-change.ts'
import { closeHeld, type Outcome } from './close-record.ts'

const pauseMs = 250
/** After this time, in milliseconds, another server or the maintenance of this one has closed the record as orphaned. */
const longestMs = 30_000

/**
 * Closes a record in the background when the database could not be reached at the end of the operation. Until the record is
 * closed, the same kind of change in the same scope is refused. Returns at once, and throws nothing.
 */
export function closeLater(
  { sql, log, stopping, operation, hold }: Running,
  { leavesJobs }: Pick<BulkChange<unknown>, 'leavesJobs'>,
  outcome: Outcome,
): void {
  const end = Date.now() + longestMs
  const run = async () => {
    while (!stopping.aborted && Date.now() < end) {
      await wait(pauseMs, undefined, { ref: false })
      const isOver = await sql
        .begin((tx) => closeHeld(tx, { operation, hold }, outcome, leavesJobs))
        .then(
          () => true,
          () => false,
        )
      if (isOver) return
    }
    if (!stopping.aborted) log.warn(`the record of operation ${operation} cannot be closed`)
  }
  void run()
}
