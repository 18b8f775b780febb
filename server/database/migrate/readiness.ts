import { setTimeout as wait } from 'node:timers/promises'
import { hasCode } from '../errors/error-meanings.ts'
import type { Sql } from '../sql.ts'

/** A complete schema is looked for again after so long, since load balancers ask for readiness every few seconds. */
const schemaCheckedForMs = 5000
const longestAnswerMs = 2000

/** A table, a column or its schema is not there, or the role may not read it. */
const unreadable = ['3F', '42']

interface ReadinessQuestions {
  /** A client for each table of jobs. One of them must answer: the calls about the others end with an error of their own. */
  clients: () => readonly Sql[]
  isLooking: () => boolean
  /** Whether every column is there that calls need. */
  isComplete: () => Promise<boolean>
}

/**
 * A question that resolves to true when calls can be answered: the database answers within 2 s, is no replica, and has
 * every column that calls need. A server that only looks needs an answer alone.
 */
export function createReadiness({ clients, isLooking, isComplete }: ReadinessQuestions): () => Promise<boolean> {
  let completeAt = Number.NEGATIVE_INFINITY
  const look = async () => {
    const isPrimary = await firstAnswer(clients())
    if (isLooking()) return true
    if (performance.now() - completeAt < schemaCheckedForMs) return isPrimary
    if (!(await isComplete())) return false
    completeAt = performance.now()
    return isPrimary
  }
  return () => Promise.race([look().catch(() => false), wait(longestAnswerMs, false, { ref: false })])
}

/**
 * Whether the database is no replica, as the first client says whose jobs can be read.
 * @throws the error of the last client where none of them can, and any other error, such as that of a database which does not answer
 */
async function firstAnswer(clients: readonly Sql[]): Promise<boolean> {
  let last: unknown
  for (const sql of clients) {
    try {
      const [row] = await sql<[{ primary: boolean }]>`
        select not pg_is_in_recovery() as primary, exists (select from jobs limit 0) as none`
      return row.primary
    } catch (error) {
      if (!hasCode(error, unreadable)) throw error
      last = error
    }
  }
  throw last
}
