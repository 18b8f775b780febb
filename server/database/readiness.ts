import { setTimeout as wait } from 'node:timers/promises'
import { isSchemaComplete } from './migrate.ts'
import type { Pool } from './sql.ts'

/** Who asks whether the server is ready asks often: what could be missing is looked for once in so many milliseconds. */
const wholeMs = 5000

/** Tells whether calls are answered: the database is there, is no replica, and lacks nothing that they need. */
export function createReadiness(sql: Pool): () => Promise<boolean> {
  let whole = Number.NEGATIVE_INFINITY
  const look = async () => {
    const [row] = await sql<[{ primary: boolean }]>`
      select not pg_is_in_recovery() as primary, exists (select from jobs limit 0) as none`
    if (performance.now() - whole < wholeMs) return row.primary
    if (!(await isSchemaComplete(sql))) return false
    whole = performance.now()
    return row.primary
  }
  return () => Promise.race([look().catch(() => false), wait(2000, false, { ref: false })])
}
