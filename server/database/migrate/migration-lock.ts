import { tryToHoldLock } from '../locks/hold-lock.ts'
import type { Pool } from '../sql.ts'

/**
 * A server that is frozen while it holds the lock loses the lock after `longestFreeze`, because PostgreSQL ends its
 * idle transaction. A running server sends a statement more often than that.
 */
const longestFreeze = '1min'
const renewEveryMs = 15_000

/**
 * Runs `work` while this server holds the lock `migrations`. Resolves to false, without running it, when another server
 * holds the lock. A transaction of its own holds the lock, since a session's lock would stay behind in a pooler. A
 * server that does not get the lock waits outside of PostgreSQL, since `create index concurrently` waits for every
 * transaction that holds a snapshot.
 */
export async function withMigrationLock(sql: Pool, work: () => Promise<void>): Promise<boolean> {
  if (sql.options.max === 1) {
    await work() // the embedded database belongs to one server, and has one session
    return true
  }
  // A stricter isolation, which a database may have as its default, would keep the snapshot until the end.
  return sql.begin('isolation level read committed', async (tx) => {
    if (!(await tryToHoldLock(tx, 'migrations'))) return false
    // PostgreSQL keeps the snapshot of a query until the session's next command. This command takes none.
    const renew = () => tx.unsafe(`set local idle_in_transaction_session_timeout = '${longestFreeze}'`)
    await renew()
    const renewing = setInterval(() => void renew().catch(() => {}), renewEveryMs)
    await work().finally(() => clearInterval(renewing))
    return true
  })
}
