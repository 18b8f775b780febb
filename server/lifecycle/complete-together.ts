import type { Call, CompleteTogether } from '../call.ts'
import type { Sql } from '../database/sql.ts'
import { together } from '../waiting/together.ts'
import { type CallsCompletion, unlockedCompletionsOf } from './leased-attempts.ts'
import type { Settled } from './settle.ts'
import { settleCompleted } from './settle-completed.ts'

interface Waiting {
  item: CallsCompletion
  within: Call['within']
}

/**
 * Makes the function by which calls complete single jobs. It passes over a job that is not leased as the item says, and over one whose
 * row is locked.
 * @param sql the connections of workers
 */
export function createCompleteTogether(sql: Sql): CompleteTogether {
  const complete = together((waiting: readonly Waiting[]) => completeAll(sql, waiting))
  return ({ requestId, within }, item) => complete({ item: { ...item, request_id: requestId }, within }, item.result)
}

/** Completes the jobs in one statement for each scope. Of two items with one job, one is completed. */
async function completeAll(sql: Sql, waiting: readonly Waiting[]): Promise<(Settled | undefined)[]> {
  const scopes = new Map<string, { within: Call['within']; items: Map<number, CallsCompletion> }>()
  for (const { item, within } of waiting) {
    const key = JSON.stringify(within ?? null)
    const scope = scopes.get(key) ?? { within, items: new Map() }
    scopes.set(key, scope)
    scope.items.set(item.id, item)
  }
  const completed = new Map<CallsCompletion, Settled>()
  await Promise.all(
    [...scopes.values()].map(async ({ within, items }) => {
      const settled = await settleCompleted(sql, unlockedCompletionsOf({ sql, within }, [...items.values()]))
      for (const job of settled) {
        const item = items.get(job.id)
        if (item) completed.set(item, job)
      }
    }),
  )
  return waiting.map(({ item }) => completed.get(item))
}
