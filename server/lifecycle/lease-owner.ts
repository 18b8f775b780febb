import { Failure, type FailureCode } from '../../shared/errors.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

/** One row of `jobs`, locked. By its id alone: with its status beside, the planner could read all running jobs. */
export const lockedJob = (sql: Sql, id: Fragment): Fragment => sql`
  select
    id, status, lease_id, worker_id, retry_count, max_retries, failure_streak_code, failure_streak_count, cancel_requested_at
  from jobs
  where jobs.id = ${id}
  offset 0
  for update`

/** True where the locked `job` is held as `asked` says. */
export const isLeaseOwner = staticFragment(
  (sql) => sql`
  job.status = 'processing' and job.lease_id = asked.lease_id and job.worker_id = asked.worker_id`,
)

interface Refused {
  ok: false
  id: number
  code: FailureCode
  detail: string
}

/** What a worker hears whose job is another's by now. */
export const leaseLost = (id: number): Refused => ({
  ok: false,
  id,
  code: 'lease_lost',
  detail: `job ${id} is not held under this lease by this worker any more; nothing was changed`,
})

/**
 * The one result of a call about one job.
 * @throws Failure with the code of a result that is none
 */
export function singleResult<Answer extends { ok: true }>(results: readonly (Answer | Refused)[]): Answer {
  const [result] = results
  if (result?.ok) return result
  throw new Failure(result?.code ?? 'internal', result?.detail ?? 'the call had no result', {
    hint: result?.code === 'lease_lost' ? 'stop working on it: another worker may have it' : undefined,
  })
}
