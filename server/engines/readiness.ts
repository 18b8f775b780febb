import { setTimeout as wait } from 'node:timers/promises'
import { hasCode } from '../database/errors/error-meanings.ts'
import type { Pool } from '../database/sql.ts'
import { areTablesComplete } from './make-records.ts'
import { clientsByPlace, servedBy } from './served.ts'

/** A complete schema is looked for again after so long, since load balancers ask for readiness every few seconds. */
const schemaCheckedForMs = 5000
const longestAnswerMs = 2000

/** A table, a column or its schema is not there, or the role may not read it. */
const unreadable = ['3F', '42']

/**
 * A question that resolves to true when calls can be answered: the database answers within 2 s, is no replica, and has
 * every column that calls need. A server that only looks needs an answer alone.
 */
export function createReadiness(sql: Pool): () => Promise<boolean> {
  let completeAt = Number.NEGATIVE_INFINITY
  const look = async () => {
    const isPrimary = await isPrimaryOf(sql)
    if (servedBy(sql).mode === 'look') return true
    if (performance.now() - completeAt < schemaCheckedForMs) return isPrimary
    if (!(await areTablesComplete(sql))) return false
    completeAt = performance.now()
    return isPrimary
  }
  return () => Promise.race([look().catch(() => false), wait(longestAnswerMs, false, { ref: false })])
}

/**
 * Whether the database is no replica, as the first table of jobs says that can be read. The calls about the others end with an error of their own.
 * @throws the error of the last table where none can be read, and any other error, such as that of a database which does not answer
 */
async function isPrimaryOf(sql: Pool): Promise<boolean> {
  let last: unknown
  for (const of of clientsByPlace(sql)) {
    try {
      const [row] = await of<[{ primary: boolean }]>`
        select not pg_is_in_recovery() as primary, exists (select from jobs limit 0) as none`
      return row.primary
    } catch (error) {
      if (!hasCode(error, unreadable)) throw error
      last = error
    }
  }
  throw last
}
