import { setTimeout as wait } from 'node:timers/promises'
import type { Pool } from '../sql.ts'

/** A complete schema is looked for again after so long, since load balancers ask for readiness every few seconds. */
const schemaCheckedForMs = 5000
const longestAnswerMs = 2000

/**
 * A question that resolves to true when calls can be answered: the database answers within 2 s, is no replica, and has
 * every column that calls need. A server that only looks needs an answer alone.
 * @param isComplete whether every column is there that calls need
 */
export function createReadiness(
  sql: Pool,
  { isLooking, isComplete }: { isLooking: () => boolean; isComplete: () => Promise<boolean> },
): () => Promise<boolean> {
  let completeAt = Number.NEGATIVE_INFINITY
  const look = async () => {
    const [row] = await sql<[{ primary: boolean }]>`
      select not pg_is_in_recovery() as primary, exists (select from jobs limit 0) as none`
    if (isLooking()) return true
    if (performance.now() - completeAt < schemaCheckedForMs) return row.primary
    if (!(await isComplete())) return false
    completeAt = performance.now()
    return row.primary
  }
  return () => Promise.race([look().catch(() => false), wait(longestAnswerMs, false, { ref: false })])
}
