import { Failure } from '../../shared/errors.ts'
import type { Call } from '../call.ts'
import type { Sql } from '../database/sql.ts'
import type { BulkChange } from './bulk-change.ts'
import { partialFailure } from './partial-failure.ts'

interface First {
  id: number
  state: string
  request_hash: string
  answer: unknown
  affected: number
  error: string | null
}

/**
 * The outcome of the first time, for a request that comes again under its idempotency key.
 * @returns nothing for one that is new
 * @throws Failure `conflict` when the key stands for another request or the first still runs, `partial` as the first did
 */
export async function findReplay<Answer>(
  tx: Sql,
  { caller, formerCaller, idempotencyKey }: Call,
  bulk: BulkChange<Answer>,
  hash: string,
): Promise<{ answer: Answer } | undefined> {
  if (idempotencyKey === undefined) return undefined
  const [first] = await tx<First[]>`
    select id, state, request_hash, answer, affected, error
    from job_operations
    where caller in (${caller}, ${formerCaller ?? caller}) and idempotency_key = ${idempotencyKey}
    order by caller = ${caller} desc
    limit 1`
  if (!first) return undefined
  const { id, state, request_hash, answer, affected, error } = first
  if (request_hash !== hash) {
    throw new Failure(
      'conflict',
      `this Idempotency-Key stands for another request (operation ${id}); nothing was changed`,
      {
        hint: 'a new request needs a new key',
      },
    )
  }
  if (state === 'running') {
    throw new Failure('conflict', `this request has been made before, and still runs (operation ${id})`, {
      retryAfter: 5,
    })
  }
  if (answer === null) throw partialFailure({ id, affected, why: error ?? 'it was stopped' })
  return { answer: bulk.output.parse(answer) }
}
