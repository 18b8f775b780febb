import type { Acting, SharedComplete } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'
import { shareStatement } from '../../waiting/shared-statement.ts'
import { type CallsCompletion, unlockedCompletionsOf } from './leased-attempts.ts'
import type { Settled } from './settle.ts'
import { settleCompleted } from './settle-completed.ts'

interface Waiting {
  item: CallsCompletion
  within: Acting['within']
}

/**
 * Makes the function by which calls complete single jobs. It passes over a job that is not leased as the item says, and over one whose
 * row is locked.
 * @param sql the connections of workers
 */
export function createSharedComplete(sql: Sql): SharedComplete {
  const complete = shareStatement({
    run: (waiting: readonly Waiting[]) => completeAll(sql, waiting),
    kind: ({ within }) => JSON.stringify(within ?? null),
    most: 100,
  })
  return ({ requestId, within }, item) => complete({ item: { ...item, request_id: requestId }, within }, item.result)
}

/** Completes jobs of calls with one scope. Of two items with one job, one is completed. */
async function completeAll(sql: Sql, waiting: readonly Waiting[]): Promise<(Settled | undefined)[]> {
  const items = new Map(waiting.map(({ item }) => [item.id, item]))
  const within = waiting[0]?.within
  const settled = await settleCompleted(sql, unlockedCompletionsOf({ sql, within }, [...items.values()]))
  const byId = new Map(settled.map((job) => [job.id, job]))
  return waiting.map(({ item }) => (items.get(item.id) === item ? byId.get(item.id) : undefined))
}
