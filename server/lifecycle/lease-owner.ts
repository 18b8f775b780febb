import { Failure, type FailureCode } from '../../shared/errors.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

/**
 * Selects and locks the row of `jobs` with this id. The status is not part of the predicate, because the planner could
 * then read all jobs that are being processed.
 */
export const lockedJob = (sql: Sql, id: Fragment): Fragment => sql`
  select
    id, status, lease_id, worker_id, retry_count, max_retries, failure_streak_code, failure_streak_count, cancel_requested_at
  from jobs
  where jobs.id = ${id}
  offset 0
  for update`

/** True where the locked row `job` is leased by the worker and under the lease of the row `request`. */
export const isLeaseOwner = staticFragment(
  (sql) => sql`
  job.status = 'processing' and job.lease_id = request.lease_id and job.worker_id = request.worker_id`,
)

interface Rejected {
  ok: false
  id: number
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
