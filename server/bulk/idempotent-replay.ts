import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'
import type { BulkChange } from './bulk-change.ts'
import { partialFailure } from './partial-failure.ts'

/** The record of the first request under an idempotency key. */
interface FirstRequest {
  id: number
  state: string
  request_hash: string
  answer: unknown
  affected: number
  error: string | null
}

/** Who asks, and under which key. */
interface Requester {
  caller: string
  /** The name under which earlier versions recorded this caller; undefined when it is the same. */
  formerCaller: string | undefined
  idempotencyKey: string | undefined
}

/**
 * Finds the answer of the first request under the same idempotency key.
 * @returns undefined for a request without a key, and for a new key
 * @throws Failure `conflict` when the key belongs to another request or the first request still runs; `partial` when the
 *   first request stopped after some jobs
 */
export async function findReplay<Answer>(
  tx: Sql,
  { caller, formerCaller, idempotencyKey }: Requester,
  bulk: BulkChange<Answer>,
  hash: string,
): Promise<{ answer: Answer } | undefined> {
  if (idempotencyKey === undefined) return undefined
  const [first] = await tx<FirstRequest[]>`
    select id, state, request_hash, answer, affected, error
    from job_operations
    where caller in (${caller}, ${formerCaller ?? caller}) and idempotency_key = ${idempotencyKey}
    order by caller = ${caller} desc
    limit 1`
  if (!first) return undefined
  const { id, state, request_hash, answer, affected, error } = first
  if (request_hash !== hash) {
    const detail = `this Idempotency-Key belongs to another request (operation ${id}); nothing was changed`
    throw new Failure('conflict', detail, { hint: 'a new request needs a new key' })
  }
  if (state === 'running') {
    const detail = `this request is still running from an earlier call (operation ${id})`
    throw new Failure('conflict', detail, { retryAfter: 5 })
  }
  if (answer === null) throw partialFailure({ id, affected, why: error ?? 'the operation was stopped', hasKey: true })
  return { answer: bulk.output.parse(answer) }
}
