import type { Pool } from '../database/sql.ts'
import { compact } from './compact.ts'

/** The most transactions in a row: the other tasks of the keeper must have their turn. */
const transactionsAtOnce = 50
/** With more dead rows than this the appended ones would be found slowly. */
const vacuumAfter = 10_000

/** Adds up the rows that the triggers append, and vacuums their table after 10,000 of them. */
export function createCompaction(sql: Pool, { vacuums }: { vacuums: boolean }): { run: () => Promise<void> } {
  let dead = 0
  return {
    async run() {
      for (let [done, more] = [0, true]; more && done < transactionsAtOnce; done++) {
        const result = await compact(sql)
        dead += result?.compacted ?? 0
        more = result?.more ?? false
      }
      if (!vacuums || dead < vacuumAfter) return
      await sql.unsafe('vacuum (skip_locked, truncate false) jobsctl_count_deltas')
      dead = 0
    },
  }
}
