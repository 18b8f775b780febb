import type { Accepted } from '../../../shared/changes/bulk-change.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../../database/sql.ts'
import type { BulkChange } from '../change/bulk-change.ts'
import type { Commission, Done } from '../change/commission.ts'
import { hashOfJson } from '../token/preview-token.ts'
import { partialFailure } from './partial-failure.ts'

/** The record of the first request under an idempotency key. */
interface FirstRequest {
  id: number
  kind: string
  state: string
  request_hash: string
  answer: unknown
  affected: number
  error: string | null
  previewed: number | null
  as_of: string
  /** It runs without its caller. */
  is_detached: boolean
}

/** Who asks, and under which key. */
type Requester = Pick<Commission, 'caller' | 'formerCaller' | 'idempotencyKey' | 'detach'>

/** The hash over kind, request and preview token, by which a request that is sent again is recognised. */
export const requestHash = ({
  kind,
  request,
  previewToken,
}: Pick<BulkChange<unknown>, 'kind' | 'request' | 'previewToken'>): string => hashOfJson([kind, request, previewToken])

/**
 * Finds the answer of the first request under the same idempotency key, or its operation where the caller does not wait.
 * @returns undefined for a request without a key, and for a new key
 * @throws Failure `conflict` when the key belongs to another request or the first request still runs; `partial` when the
 *   first request stopped after some jobs
 */
export async function findReplay<Answer>(
  tx: Sql,
  { caller, formerCaller, idempotencyKey, detach }: Requester,
  bulk: BulkChange<Answer>,
): Promise<Done<Answer> | undefined> {
  if (idempotencyKey === undefined) return undefined
  const [first] = await tx<FirstRequest[]>`
    select id, kind, state, request_hash, answer, affected, error, previewed, as_of,
      exists (select from jobsctl_detached where operation_id = job_operations.id) as is_detached
    from job_operations
    where caller in (${caller}, ${formerCaller ?? caller}) and idempotency_key = ${idempotencyKey}
    order by caller = ${caller} desc
    limit 1`
  if (!first) return undefined
  const { id, state, request_hash, answer, affected, error } = first
  if (request_hash !== requestHash(bulk)) {
    const detail = `this Idempotency-Key belongs to another request (operation ${id}); nothing was changed`
    throw new Failure('conflict', detail, { hint: 'a new request needs a new key' })
  }
  if (detach && (state !== 'running' || first.is_detached)) return { accepted: acceptedAs(first) }
  if (state === 'running') {
    const detail = `this request is still running from an earlier call (operation ${id})`
    throw new Failure('conflict', detail, { retryAfter: 5 })
  }
  if (answer === null) throw partialFailure({ id, affected, why: error ?? 'the operation was stopped', hasKey: true })
  return { answer: bulk.output.parse(answer) }
}

const acceptedAs = ({ id, kind, state, previewed, as_of }: FirstRequest): Accepted => ({
  operation_id: id,
  kind,
  state,
  previewed,
  as_of,
})
