import type { Sql } from '../database/sql.ts'
import type { Log } from '../log/log.ts'

const everyMs = 3_600_000

/**
 * Writes the last hash of the chain of records to the log: once it has one, and then once an hour. A person who replaces records in the
 * database does not reach the log, if it is kept elsewhere: `jobsctl operations verify --expect` compares the two.
 */
export function createChainLog({ sql, log }: { sql: Sql; log: Pick<Log, 'info'> }): { run: () => Promise<void> } {
  let loggedAt = Number.NEGATIVE_INFINITY
  return {
    async run() {
      if (performance.now() - loggedAt < everyMs) return
      const [last] = await sql<{ head: string; day: string; length: number }[]>`
        select head, day::text as day, length from job_operation_days where head <> '' order by day desc limit 1`
      if (!last) return
      log.info('the last hash of the records', { hash: last.head, day: last.day, number: last.length })
      loggedAt = performance.now()
    },
  }
}
