import { holdLock, tryToHoldLock } from '../database/locks/hold-lock.ts'
import type { Pool, Sql } from '../database/sql.ts'
import { limitIdleTime } from '../database/timeouts.ts'

/** The longest statement of a transaction in the background, in milliseconds. */
const backgroundTimeoutMs = 600_000

interface Waiting {
  /** Waits for another server that has the lock, under the usual limits: a caller is waiting for the result. */
  wait: boolean
}

/**
 * Runs `work` in a transaction that has the counts lock: two servers that add up the same rows would count them twice. The
 * lock belongs to the transaction, so that it works behind a pooler in transaction mode, too. The triggers count nothing in
 * this transaction.
 * @returns the result of `work`; undefined when another server has the lock, unless `wait` is set
 */
export async function withCountsLock<Result>(
  sql: Pool,
  { wait }: Waiting,
  work: (tx: Sql) => Promise<Result>,
): Promise<Result | undefined> {
  const done = await sql.begin(async (tx) => {
    // In the background nobody waits, and a statement that is cut off would take as long the next time.
    const timeout = wait ? tx`` : tx`, set_config('statement_timeout', ${String(backgroundTimeoutMs)}, true)`
    await tx`select ${limitIdleTime(tx)}, set_config('jobsctl.counting', 'on', true) ${timeout}`
    if (wait) await holdLock(tx, 'counts')
    else if (!(await tryToHoldLock(tx, 'counts'))) return { result: undefined }
    return { result: await work(tx) }
  })
  return done.result
}
