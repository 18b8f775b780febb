import { Failure, type FailureCode } from '../../shared/errors.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import type { Acting } from '../call.ts'
import { isWithin } from '../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'

/**
 * Selects and locks the row of `jobs` with this id, if it is within the scope of the caller. The status is not part of the predicate, because the planner could
 * then read all jobs that are being processed.
 * @param more more columns, each after a comma
 */
export const lockedJob = (sql: Sql, id: Fragment, within: Acting['within'], more?: Fragment): Fragment => sql`
  select
    id, status, lease_id, worker_id, retry_count, max_retries, failure_streak_code, failure_streak_count, cancel_requested_at
    ${more ?? sql``}
  from jobs
  where jobs.id = ${id} ${isWithin(sql, within)}
  offset 0
  for update`

/** True where the locked row `job` is leased by the worker and under the lease of the row `request`. */
export const isLeaseOwner = staticFragment(
  (sql) => sql`
  job.status = 'processing' and job.lease_id = request.lease_id and job.worker_id = request.worker_id`,
)

/**
 * An SQL expression: a new lease id. It ends with the id of the token to which the lease belongs, in a UUID of version 8; a lease
 * that belongs to no token is a random UUID of version 4.
 */
export const newLeaseId = (sql: Sql, owner: string | undefined): Fragment =>
  owner === undefined
    ? sql`gen_random_uuid()::text`
    : sql`overlay(overlay(gen_random_uuid()::text placing '8' from 15) placing ${owner}::text from 25)`

const ownedLease = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-([0-9a-f]{12})$/

/** False for a lease that belongs to another token than this one. */
export function mayFinish(owner: string | undefined, lease_id: string): boolean {
  const [, token] = ownedLease.exec(lease_id) ?? []
  return token === undefined || token === owner
}

interface Rejected {
  ok: false
  id: JobId
  code: FailureCode
  detail: string
}

/** The result for a worker whose lease has ended: another worker may have the job. */
export const leaseLost = (id: number): Rejected => ({
  ok: false,
  id,
  code: 'lease_lost',
  detail: `job ${id} is no longer leased by this worker under this lease; nothing was changed`,
})

/**
 * The one result of a call about one job.
 * @throws Failure with the code of a rejected result
 */
export function singleResult<Result extends { ok: true }>(results: readonly (Result | Rejected)[]): Result {
  const [result] = results
  if (result?.ok) return result
  throw new Failure(result?.code ?? 'internal', result?.detail ?? 'the call had no result', {
    hint: result?.code === 'lease_lost' ? 'stop working on this job: another worker may have it' : undefined,
  })
}
