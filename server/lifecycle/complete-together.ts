import DataLoader from 'dataloader'
import type { Call, CompleteTogether } from '../call.ts'
import { isOutcomeUnknown } from '../database/errors/failure.ts'
import type { Sql } from '../database/sql.ts'
import { type CallsCompletion, unlockedCompletionsOf } from './leased-attempts.ts'
import type { Settled } from './settle.ts'
import { settleCompleted } from './settle-completed.ts'

/** The most jobs of one statement. */
const most = 100
/** The most characters of a result, as JSON. */
const longestResult = 8192

interface Waiting {
  item: CallsCompletion
  within: Call['within']
}

/**
 * Makes the function by which calls complete single jobs: most of the cost of a statement is the same for one job and for many. No call
 * waits for others.
 * @param sql the connections of workers
 */
export function createCompleteTogether(sql: Sql): CompleteTogether {
  const completions = new DataLoader((waiting: readonly Waiting[]) => completeAll(sql, waiting), {
    cache: false,
    maxBatchSize: most,
    batchScheduleFn: setImmediate,
  })
  return async ({ requestId, within }, item) => {
    if (item.result !== undefined && JSON.stringify(item.result).length > longestResult) return undefined
    return completions.load({ item: { ...item, request_id: requestId }, within }).catch((error: unknown) => {
      if (isOutcomeUnknown(error)) throw error
      return undefined
    })
  }
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
